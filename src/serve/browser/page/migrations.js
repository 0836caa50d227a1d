/** The page of migrations: asks the server again and again, and announces changes of state. */
import { byId, el, say, shown } from './elements.js'
import { Card, PASSES, STATES, titleOf } from './migration-card.js'
import { repeat } from './repeat.js'
import * as server from './server.js'

/** The shown cards by the migrations; undefined before the first answer. */
let cards
/** When the last answer came, as text. */
let updated

/** Asks for the migrations and shows them; returns whether there was an answer with some or without errors. */
async function refresh() {
  let answer
  try {
    answer = await server.migrations()
  } catch (error) {
    // What was shown stays, with its time.
    showProblems([`${error.message} The page tries again.`])
    if (updated !== undefined) byId('summary').textContent = `Not updated since ${updated}`
    byId('note').hidden = true
    return false
  }
  return showAnswer(answer)
}

function showAnswer(answer) {
  const { migrations, left, errors } = answer
  updated = new Date().toLocaleTimeString()
  byId('summary').textContent = [summaryOf(migrations), updated].filter(Boolean).join(' · ')
  showProblems(errors)
  const changes = show(answer)
  if (changes.length > 0) say(changes.join(' '))
  const isBroken = migrations.length === 0 && errors.length > 0
  byId('note').hidden = isBroken || (migrations.length > 0 && left === 0)
  byId('note').textContent = left > 0 ? `${left} older migrations are not shown.` : 'There are no migrations.'
  return !isBroken
}

/** Shows the cards in the order of the answer; returns what has changed, in words. */
function show({ migrations, now }) {
  const changes = []
  const kept = new Map()
  for (const migration of migrations) {
    const key = [migration.id, migration.source, migration.target].join('\n')
    const card = cards?.get(key) ?? new Card(migration)
    const before = card.migration
    card.update(migration, now)
    kept.set(key, card)
    if (cards === undefined || (before?.state === migration.state && before.pass === migration.pass)) continue
    const what = migration.state === 'running' ? PASSES[migration.pass] : STATES[migration.state]
    changes.push(`${shown(titleOf(migration))}: ${what}.`)
  }
  for (const [key, card] of cards ?? []) if (!kept.has(key)) card.element.remove()
  cards = kept
  const list = byId('cards')
  for (const [at, { element }] of [...kept.values()].entries()) {
    // An element that is in its place is not moved: it would lose its focus.
    if (list.children[at] !== element) list.insertBefore(element, list.children[at] ?? null)
  }
  return changes
}

/** Shows what went wrong, until it is over; screen readers read out a change. */
function showProblems(texts) {
  const problems = byId('problems')
  if (texts.join('\n') === [...problems.children].map(each => each.textContent).join('\n')) return
  problems.replaceChildren(...texts.map(text => el('p', {}, text)))
}

function summaryOf(migrations) {
  const counts = Object.keys(STATES).map(state => [state, migrations.filter(each => each.state === state).length])
  const parts = counts.filter(([, count]) => count > 0).map(([state, count]) => `${count} ${STATES[state]}`)
  return parts.join(', ')
}

repeat(refresh)
