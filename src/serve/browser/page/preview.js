/** The preview of a file, in a dialog. */
import { byId, dateText, el, iconButton, iconLink, shown, sizeText } from './elements.js'
import { actions, folder, rowOf, visible } from './list.js'
import * as server from './server.js'

/** Maximum size in bytes of a text that is shown. */
const MAX_TEXT = 256 * 1024

let current

/** Shows a file; the arrow keys switch to the next one of the folder. */
export function openPreview(entry) {
  current = entry
  const { path, name, size, modified, type } = entry
  const { label, links, writable } = folder.storage
  byId('preview-name').replaceChildren(el('bdi', {}, shown(name)))
  byId('preview-facts').textContent = [sizeText(size), type, dateText(modified)].filter(Boolean).join(' · ')
  const buttons = [
    iconButton('previous', 'Previous file', () => step(-1)),
    iconButton('next', 'Next file', () => step(1)),
    links ? iconButton('link', 'Copy link', () => actions.copy(entry)) : undefined,
    iconLink('download', 'Download', { href: server.downloadUrl(label, path), download: '' }),
    writable ? iconButton('delete', 'Delete', () => actions.remove(entry)) : undefined,
    iconButton('close', 'Close', closePreview),
  ]
  byId('preview-actions').replaceChildren(...buttons.filter(Boolean))
  fill(entry, label)
  if (!byId('preview').open) byId('preview').showModal()
}

export function closePreview() {
  byId('preview').close()
}

byId('preview').addEventListener('close', () => {
  byId('preview-body').replaceChildren()
  rowOf(current?.path)?.querySelector('a').focus()
})

byId('preview').addEventListener('keydown', event => {
  if (event.target.closest('audio, video')) return
  if (event.key === 'ArrowLeft') step(-1)
  else if (event.key === 'ArrowRight') step(1)
  else if (event.key === 'Delete' && folder.storage.writable) actions.remove(current)
})

function step(by) {
  const files = visible().filter(({ kind }) => kind !== 'folder')
  const next = files[files.findIndex(({ path }) => path === current.path) + by]
  if (next !== undefined) openPreview(next)
}

function note(text) {
  return el('p', {}, text)
}

/** Adds the element that shows the file. */
async function fill(entry, label) {
  const { kind, path, name, size } = entry
  const src = server.fileUrl(label, path)
  const put = element => current === entry && byId('preview-body').replaceChildren(element)
  const onerror = () => put(note('This browser cannot show the file. It can be downloaded.'))
  put(note('Loading…'))
  try {
    if (kind === 'image') put(el('img', { src, alt: shown(name), onerror }))
    else if (kind === 'audio' || kind === 'video') put(el(kind, { src, controls: true, preload: 'metadata', onerror }))
    else if (kind === 'markdown' && (await isRendered(label, path))) put(frame(label, path))
    else if (kind === 'text' || kind === 'markdown') put(await textElement(label, path, size))
    else put(note('There is no preview of this kind of file. It can be downloaded.'))
  } catch (error) {
    put(note(error.message))
  }
}

/** Whether the server can render a file; otherwise it is shown as text. */
async function isRendered(label, path) {
  return (await fetch(server.markdownUrl(label, path))).ok
}

/** Returns a document that can run no script and has a separate origin. */
function frame(label, path) {
  const sandbox = 'allow-popups allow-popups-to-escape-sandbox'
  return el('iframe', { src: server.markdownUrl(label, path), sandbox, title: 'Preview' })
}

async function textElement(label, path, size) {
  if (size === 0) return note('The file is empty.')
  const found = await server.textOf(label, path, MAX_TEXT)
  if (found === undefined) return note('There is no preview of this kind of file. It can be downloaded.')
  return el('pre', { tabindex: 0, dir: 'auto' }, found.text, found.isCut ? '\n\n… The preview ends here.' : '')
}
