/** The page: its address, and the actions of keys and buttons. */
import { ask, byId, dateText, el, say, shown } from './elements.js'
import { actions, folder, folderUrl, forget, loadMore, openFolder, render, rowOf, searchFor, sortBy } from './list.js'
import { closePreview, openPreview } from './preview.js'
import * as server from './server.js'
import { listenForUploads } from './uploads.js'

let storages = []
let title = ''

/** Shows the folder in the address: `#/storage/folder/folder`. */
async function go() {
  const [label, ...parts] = location.hash.slice(2).split('/').filter(Boolean).map(decoded)
  const storage = storages.find(each => each.label === label) ?? storages[0]
  const path = storage.label === label ? parts.join('/') : ''
  const before = folder.path
  closePreview()
  byId('upload').hidden = !storage.writable
  byId('path').replaceChildren(...steps(storage, path))
  document.title = [shown(path === '' ? storage.label : path.slice(path.lastIndexOf('/') + 1)), title].join(' – ')
  try {
    await openFolder(storage, path)
    // After going up, the focus is on the former folder.
    if (document.activeElement === document.body) rowOf(before)?.querySelector('a').focus()
  } catch (error) {
    render()
    byId('note').textContent = error.message
  }
}

/** Decodes a part of the address; returns a malformed one unchanged. */
function decoded(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Returns the folders that lead to this one; the first is the storage, or a choice of storages. */
function steps(storage, path) {
  const parts = path === '' ? [] : path.split('/')
  const links = parts.map((part, at) => step(part, folderUrl(storage.label, parts.slice(0, at + 1).join('/'))))
  const first = step(storage.label, folderUrl(storage.label, ''))
  ;(links.at(-1) ?? first).setAttribute('aria-current', 'page')
  const all = [first, ...links].flatMap((link, at) => (at === 0 ? [link] : [el('span', {}, '/'), link]))
  if (storages.length === 1) return all
  const onchange = event => (location.hash = folderUrl(event.target.value, ''))
  const options = storages.map(({ label }) => el('option', { value: label, selected: label === storage.label }, label))
  return [el('select', { 'aria-label': 'Storage', onchange }, ...options), ...all.slice(1)]
}

const step = (name, href) => el('a', { href }, el('bdi', {}, shown(name)))

actions.open = openPreview

actions.copy = async ({ path, name }) => {
  try {
    const { url, expiresInSecs } = await server.linkOf(folder.storage.label, path)
    const until = expiresInSecs && dateText(Date.now() + expiresInSecs * 1000)
    const life = until ? ` It is valid until ${until}.` : ''
    await navigator.clipboard.writeText(url).then(
      () => say(`The link to ${shown(name)} was copied.${life}`),
      () => ask(`Link to ${shown(name)}.${life}`, url),
    )
  } catch (error) {
    say(error.message, true)
  }
}

actions.remove = async entry => {
  const { path, name } = entry
  if (!(await ask(`Delete ${shown(name)}? This cannot be undone.`))) return
  try {
    await server.remove(folder.storage.label, path)
    closePreview()
    say(`${shown(name)} was deleted.`)
    forget(entry)
  } catch (error) {
    say(error.message, true)
  }
}

/** Moves the focus among the entries. */
function move(by) {
  const links = [...byId('rows').querySelectorAll('a.open')]
  const at = links.findIndex(link => link.closest('tr').contains(document.activeElement))
  const start = at >= 0 ? at : by < 0 ? links.length : -1
  links[Math.min(Math.max(start + by, 0), links.length - 1)]?.focus()
}

const KEYS = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  Home: () => move(-Infinity),
  End: () => move(Infinity),
  '/': () => byId('search').focus(),
  Backspace() {
    if (folder.path !== '')
      location.hash = folderUrl(folder.storage.label, folder.path.split('/').slice(0, -1).join('/'))
  },
  Delete() {
    document.activeElement?.closest('tr')?.querySelector('.delete')?.click()
  },
}

addEventListener('keydown', event => {
  const isTyping = event.target.matches('input, select, textarea')
  if (document.querySelector('dialog[open]') || event.ctrlKey || event.metaKey || event.altKey) return
  if (isTyping) {
    if (event.key === 'Escape') event.target.blur()
    if (event.key !== 'ArrowDown' || event.target.id !== 'search') return
  }
  const action = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : undefined
  if (action === undefined) return
  event.preventDefault()
  action()
})

byId('search').addEventListener('input', event =>
  searchFor(event.target.value).catch(error => say(error.message, true)),
)
byId('more').addEventListener('click', () => loadMore().catch(error => say(error.message, true)))
for (const button of document.querySelectorAll('[data-sort]')) {
  button.addEventListener('click', () => sortBy(button.dataset.sort))
}
addEventListener('hashchange', go)
listenForUploads()

try {
  const overview = await server.overview()
  ;({ storages, title } = overview)
  byId('migrations').hidden = overview.migrations !== true
  await go()
} catch (error) {
  byId('note').hidden = false
  byId('note').textContent = error.message
}
