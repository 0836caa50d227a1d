/** The folder: loading it page by page, sorting, searching, and its rows. */
import { byId, dateText, el, icon, iconButton, iconLink, shown, sizeText } from './elements.js'
import * as server from './server.js'

/** Maximum size in bytes of an image that gets a thumbnail. */
const MAX_THUMBNAIL = 2_000_000
/** Number of entries that a search loads automatically, and of rows that are shown at first; each click adds as many. */
const [SEARCHED, ROWS] = [5000, 1000]

export const folder = { storage: undefined, path: '', entries: [], next: undefined, sort: 'name', isDescending: false }
let search = ''
let searchEnd = 0
let rowLimit = ROWS
let loading = 0

/** Returns the address of a folder in this page. */
export const folderUrl = (label, path) =>
  `#/${[label, ...path.split('/')].filter(Boolean).map(encodeURIComponent).join('/')}`

/** Goes to a folder and loads its first page. */
export async function openFolder(storage, path) {
  Object.assign(folder, { storage, path, entries: [], next: undefined })
  search = byId('search').value = ''
  rowLimit = ROWS
  await load(true)
}

/** Loads the next page of the folder; the first one again if something has changed. */
export async function load(isFirst) {
  const turn = ++loading
  const { storage, path } = folder
  const page = await server.listPage(storage.label, path, isFirst ? undefined : folder.next)
  if (turn !== loading) return
  folder.entries = isFirst ? page.entries : [...folder.entries, ...page.entries]
  folder.next = page.next
  render()
  if (search !== '' && folder.next !== undefined && folder.entries.length < searchEnd) await load(false)
}

/** Shows more rows where there are some, else loads more of the folder. */
export async function loadMore() {
  const isCut = matching().length > rowLimit
  rowLimit += ROWS
  if (isCut) render()
  else await searchOn()
}

export async function searchFor(text) {
  search = text.trim().toLowerCase()
  rowLimit = ROWS
  render()
  if (search !== '' && folder.next !== undefined && matching().length <= rowLimit) await searchOn()
}

async function searchOn() {
  searchEnd = folder.entries.length + SEARCHED
  await load(false)
}

/** Removes the row of a deleted file; the focus moves to the next one. */
export function forget(file) {
  const at = visible().indexOf(file)
  folder.entries = folder.entries.filter(entry => entry !== file)
  render()
  const rows = byId('rows').rows
  rows[Math.min(at, rows.length - 1)]?.querySelector('a').focus()
}

export function sortBy(column) {
  folder.isDescending = folder.sort === column && !folder.isDescending
  folder.sort = column
  render()
}

const names = new Intl.Collator(undefined, { numeric: true })

/** Returns the loaded entries that match the search. */
const matching = () => folder.entries.filter(({ name }) => name.toLowerCase().includes(search))

/** Returns the shown entries: folders first, then by the chosen column. */
export function visible() {
  const { sort, isDescending } = folder
  const compare = (a, b) => {
    if (sort === 'size') return (a.size ?? 0) - (b.size ?? 0)
    return sort === 'name' ? 0 : (a.modified ?? '') < (b.modified ?? '') ? -1 : 1
  }
  const rank = ({ kind }) => (kind === 'folder' ? 0 : 1)
  return matching()
    .sort((a, b) => {
      const order = compare(a, b) || names.compare(a.name, b.name)
      return rank(a) - rank(b) || (isDescending ? -order : order)
    })
    .slice(0, rowLimit)
}

/** Called with an entry: to open it, to copy its link, to delete it. */
export const actions = { open() {}, copy() {}, remove() {} }

export function render() {
  const entries = visible()
  const focused = document.activeElement?.closest('tr')?.dataset.path
  byId('rows').replaceChildren(...entries.map(rowFor))
  if (focused !== undefined)
    [...byId('rows').rows]
      .find(each => each.dataset.path === focused)
      ?.querySelector('a')
      .focus()
  for (const button of document.querySelectorAll('[data-sort]')) {
    const order = folder.isDescending ? 'descending' : 'ascending'
    button.closest('th').setAttribute('aria-sort', button.dataset.sort === folder.sort ? order : 'none')
  }
  const note = byId('note')
  note.hidden = entries.length > 0
  note.textContent = emptyText()
  const isCut = matching().length > entries.length
  byId('more').hidden = folder.next === undefined && !isCut
  byId('more').textContent = search === '' || isCut ? `Load more (${entries.length} shown)` : 'Search further'
}

function emptyText() {
  if (search === '') return 'This folder is empty.'
  if (folder.next === undefined) return 'Nothing in this folder has such a name.'
  return `None of the first ${folder.entries.length} entries has such a name.`
}

/** Returns the row of an entry, if it is shown. */
export const rowOf = path => [...byId('rows').rows].find(row => row.dataset.path === path)

const rowsOfEntries = new WeakMap()

/** The row of an entry, made once: pictures in it are not loaded again. */
function rowFor(entry) {
  if (!rowsOfEntries.has(entry)) rowsOfEntries.set(entry, row(entry))
  return rowsOfEntries.get(entry)
}

function row(entry) {
  const { path, name, kind, size, modified } = entry
  const { label, links, writable } = folder.storage
  const isFolder = kind === 'folder'
  const text = shown(name)
  const onclick = event => {
    if (isFolder || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    actions.open(entry)
  }
  const facts = [sizeText(size), dateText(modified)].filter(Boolean).join(' · ')
  const link = el(
    'a',
    { class: 'open', href: isFolder ? folderUrl(label, path) : server.fileUrl(label, path), onclick },
    thumbnail(entry),
    el('span', {}, el('b', {}, el('bdi', {}, text)), el('small', {}, facts)),
  )
  const buttons = isFolder
    ? []
    : [
        links ? iconButton('link', `Copy link to ${text}`, () => actions.copy(entry)) : undefined,
        iconLink('download', `Download ${text}`, { href: server.downloadUrl(label, path), download: '' }),
        writable ? iconButton('delete', `Delete ${text}`, () => actions.remove(entry)) : undefined,
      ]
  return el(
    'tr',
    { 'data-path': path },
    el('td', { class: 'name' }, link),
    el('td', { class: 'size' }, sizeText(size)),
    el('td', { class: 'date' }, dateText(modified)),
    el('td', { class: 'actions' }, ...buttons),
  )
}

function thumbnail({ path, kind, size }) {
  const box = el('span', { class: `thumb ${kind}` }, icon(kind))
  if (kind !== 'image' || !(size <= MAX_THUMBNAIL)) return box
  const src = server.fileUrl(folder.storage.label, path)
  box.replaceChildren(el('img', { alt: '', loading: 'lazy', src, onerror: () => box.replaceChildren(icon(kind)) }))
  return box
}
