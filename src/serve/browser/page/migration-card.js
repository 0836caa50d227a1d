/** A migration on the page. It is made once, and each refresh changes its texts only, so that nothing jumps or loses the focus. */
import { el, shown } from './elements.js'
import {
  ageSecs,
  agoText,
  bytesText,
  countText,
  durationText,
  filesOf,
  isStale,
  NONE,
  percentText,
  rateText,
  shareOf,
  timeText,
} from './figures.js'

export const STATES = { running: 'running', interrupted: 'interrupted', failed: 'failed', done: 'done' }
export const PASSES = { copy: 'copying', verify: 'verifying', delete: 'deleting' }
/** Time in seconds after which a running migration without any activity is marked. */
const QUIET_SECS = 60
const LONG_PASSES = { copy: 'copying files', verify: 'verifying the target', delete: 'deleting at the target' }

export const titleOf = ({ source, target }) => `${source} to ${target}`

/** Sets a text if it has changed. */
function put(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/** The named figures: each has a value, and a second line. */
const FIGURES = {
  files: 'Files',
  bytes: 'Bytes copied',
  rate: 'Rate',
  time: 'Time left',
  limit: 'Limit',
  since: 'Started',
}
const PAGES = 'Pages waiting'

const COUNTS = {
  copied: 'Copied',
  unchanged: 'Unchanged',
  skipped: 'Skipped',
  failed: 'Failed',
  verified: 'Verified',
  compared: 'Compared',
  different: 'Different',
  extra: 'Only at target',
  deleted: 'Deleted',
}
/** Counts that are problems if they are not 0. */
const BAD = ['failed', 'different']

export class Card {
  /** The migration as it was shown last. */
  migration
  #figures = new Map()
  #counts = new Map()
  #state = el('span', { class: 'state' })
  #pass = el('span', { class: 'pass' })
  #share = el('span', { class: 'share' })
  #bar
  #figureList = el('dl', { class: 'figures' })
  #failures = new Table(['Code', 'Files'], 'table short')
  #workers = new Table(['Worker', 'Last seen', 'Files', 'Bytes', 'Rate'])

  constructor(migration) {
    const { source, target } = migration
    const title = el(
      'h2',
      {},
      el('bdi', {}, shown(source)),
      el('span', { class: 'arrow', 'aria-hidden': 'true' }, ' → '),
    )
    title.append(el('span', { class: 'unseen' }, ' to '), el('bdi', {}, shown(target)))
    this.#bar = el('progress', { max: 1, 'aria-label': `Progress of ${shown(titleOf(migration))}` })
    for (const [name, label] of Object.entries(FIGURES)) this.#addFigure(name, label)
    const counts = el('dl', { class: 'counts' })
    for (const [name, label] of Object.entries(COUNTS)) {
      const value = el('dd', {}, NONE)
      this.#counts.set(name, value)
      counts.append(el('div', {}, el('dt', {}, label), value))
    }
    const details = el('details', { open: migration.state !== 'done' }, el('summary', {}, 'Details'), counts)
    details.append(this.#failures.element, this.#workers.element)
    const line = el('p', { class: 'line' }, this.#state, this.#pass, this.#share)
    this.element = el('article', { 'aria-label': shown(titleOf(migration)) }, title, line, this.#bar)
    this.element.append(this.#figureList, details)
  }

  #addFigure(name, label) {
    const [term, value, more] = [el('dt', {}, label), el('dd', {}, NONE), el('dd', { class: 'more' }, '')]
    this.#figures.set(name, { term, value, more })
    this.#figureList.append(el('div', {}, term, value, more))
  }

  #figure(name, value, more = '', isBad = false) {
    const figure = this.#figures.get(name)
    put(figure.value, value)
    put(figure.more, more)
    figure.more.classList.toggle('bad', isBad)
  }

  update(migration, now) {
    this.migration = migration
    const { state, pass, counts, failures, workers } = migration
    this.element.dataset.state = state
    put(this.#state, STATES[state] ?? state)
    put(this.#pass, passText(migration, now))
    const share = shareOf(migration)
    put(this.#share, percentText(share))
    // A bar without a value is one whose end is not known.
    if (share === undefined) this.#bar.removeAttribute('value')
    else this.#bar.value = share
    this.element.classList.toggle('moving', state === 'running' && share === undefined)
    this.#updateFigures(migration, now)
    for (const [name, value] of this.#counts) {
      put(value, countText(counts[name]))
      value.classList.toggle('bad', BAD.includes(name) && counts[name] > 0)
    }
    const codes = Object.entries(failures ?? {}).filter(([, count]) => count > 0)
    codes.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    this.#failures.update(
      'Failures by code',
      codes.map(([code, count]) => ({ cells: [code, countText(count)] })),
    )
    this.#updateWorkers(state === 'running' ? (workers ?? []) : [], now)
    this.element.dataset.pass = pass
  }

  #updateFigures(migration, now) {
    const { state, counts, total, pages, slowedTo } = migration
    const isRunning = state === 'running'
    const { done, of, known } = filesOf(migration)
    const all = of === undefined ? (known === undefined ? '' : `of ${countText(known)} or more`) : `of ${countText(of)}`
    this.#figure('files', countText(done), all)
    const size = total === undefined ? '' : `source: ${bytesText(total.bytes)}${total.isComplete ? '' : ' or more'}`
    this.#figure('bytes', bytesText(counts.bytes), size)
    this.#figure('rate', isRunning ? rateText(migration.filesPerSec) : NONE, speedText(migration))
    put(this.#figures.get('time').term, migration.finishedAt === undefined ? 'Time left' : 'Time taken')
    if (isRunning) this.#figure('time', durationText(migration.etaSecs), endText(migration))
    else if (migration.finishedAt === undefined) this.#figure('time', NONE)
    else
      this.#figure(
        'time',
        durationText(ageSecs(migration.finishedAt, migration.startedAt)),
        `ended ${timeText(migration.finishedAt)}`,
      )
    const isSlowed = isRunning && slowedTo !== undefined
    this.#figure('limit', isSlowed ? rateText(slowedTo) : NONE, isSlowed ? 'asked to slow down' : '', true)
    this.#figure('since', agoText(ageSecs(now, migration.startedAt)), timeText(migration.startedAt))
    if (pages === undefined) return
    if (!this.#figures.has('pages')) this.#addFigure('pages', PAGES)
    const { waiting, running, failed } = pages
    const more = `${countText(running)} running, ${countText(failed)} failed`
    this.#figure('pages', countText(waiting), more, failed > 0)
  }

  #updateWorkers(workers, now) {
    const rows = workers.map(worker => {
      const { name, seenAt, files, bytes, filesPerSec } = worker
      const isBad = isStale(now, worker)
      const seen = agoText(ageSecs(now, seenAt))
      const cells = [shown(name), isBad ? `not seen for ${seen.replace(/ ago$/, '')}` : seen]
      return { isBad, cells: [...cells, countText(files), bytesText(bytes), isBad ? NONE : rateText(filesPerSec)] }
    })
    // Those that are missing come first.
    rows.sort((a, b) => b.isBad - a.isBad || NAMES.compare(a.cells[0], b.cells[0]))
    const stale = rows.filter(({ isBad }) => isBad).length
    const text = `${countText(rows.length)} ${rows.length === 1 ? 'worker' : 'workers'}`
    this.#workers.update(stale === 0 ? text : `${text}, ${countText(stale)} not seen lately`, rows)
  }
}

const NAMES = new Intl.Collator(undefined, { numeric: true })

/** Why nothing was deleted at the end, in words. */
const HELD_BACK = {
  failures: 'not every file was copied',
  differences: 'both places differ',
  incomplete_source: 'a listing left something out',
  empty_source: 'the source is empty',
  max_delete: 'too many files are only at the target',
}

function passText({ state, pass, updatedAt, heldBack, hasLeftOut }, now) {
  const age = ageSecs(now, updatedAt)
  if (state === 'interrupted') return `while ${PASSES[pass]}, ${agoText(age)}; the same command continues it`
  if (state === 'failed') return 'ended; holdall migrate retry repeats what failed'
  if (state !== 'running') {
    const held = heldBack === undefined ? [] : [`nothing was deleted: ${HELD_BACK[heldBack] ?? heldBack}`]
    return [...held, ...(hasLeftOut ? ['files without a usable name were left out'] : [])].join('; ')
  }
  return `${LONG_PASSES[pass]}${age >= QUIET_SECS ? ` – no activity for ${durationText(age)}` : ''}`
}

function speedText({ state, bytesPerSec }) {
  return state === 'running' && bytesPerSec !== undefined ? `${bytesText(bytesPerSec)}/s` : ''
}

/** When the pass is expected to end; only if the estimate is far enough for it to be a date. */
function endText({ etaSecs, updatedAt }) {
  if (etaSecs === undefined) return ''
  return etaSecs < 3600 ? 'in this pass' : `until ${timeText(Date.parse(updatedAt) + etaSecs * 1000)}`
}

/** A table whose rows are changed in place; hidden while it has none. */
class Table {
  #caption = el('caption')
  #body = el('tbody')

  constructor(headings, name = 'table') {
    const row = el('tr', {}, ...headings.map(text => el('th', { scope: 'col' }, text)))
    const table = el('table', {}, this.#caption, el('thead', {}, row), this.#body)
    this.element = el('div', { class: name, tabindex: 0, role: 'group', hidden: true }, table)
  }

  update(caption, rows) {
    this.element.hidden = rows.length === 0
    put(this.#caption, caption)
    if (this.element.getAttribute('aria-label') !== caption) this.element.setAttribute('aria-label', caption)
    const body = this.#body
    while (body.rows.length > rows.length) body.lastChild.remove()
    for (const [at, { cells, isBad = false }] of rows.entries()) {
      const row = body.rows[at] ?? body.appendChild(rowOf(cells.length))
      row.classList.toggle('bad', isBad)
      for (const [column, text] of cells.entries()) put(row.cells[column], text)
    }
  }
}

function rowOf(columns) {
  const cells = Array.from({ length: columns - 1 }, () => el('td'))
  return el('tr', {}, el('th', { scope: 'row', dir: 'auto' }), ...cells)
}
