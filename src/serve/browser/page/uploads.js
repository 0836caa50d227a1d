/** Uploads: chosen with the button, or dropped on the page; one after the other, each with its progress. */
import { byId, el, iconButton, say, shown } from './elements.js'
import { folder, load } from './list.js'
import * as server from './server.js'

let queue = Promise.resolve()

/** Adds files to the queue for the folder that is open now. */
function enqueue(files, below = '') {
  const { storage, path } = folder
  const target = [path, below].filter(Boolean).join('/')
  for (const file of files) {
    const controls = new AbortController()
    const line = transferLine(file.name, () => controls.abort())
    queue = queue.then(() => send(storage, target, file, line, controls.signal))
    queue = queue.then(() => folder.storage === storage && folder.path === path && load(true)).catch(() => {})
  }
}

async function send({ label }, target, file, line, signal) {
  try {
    if (signal.aborted) throw new Error('The upload was cancelled.')
    const onProgress = part => (line.bar.value = part)
    const { name } = await server.upload(label, target, file, { onProgress, signal })
    line.end(name === file.name ? 'Uploaded' : `Uploaded as ${shown(name)}, as the name was taken`)
    say(`${shown(name)} was uploaded.`)
  } catch (error) {
    line.end(error.message, true)
    say(`${shown(file.name)}: ${error.message}`, true)
  }
}

/** Returns a line with a progress bar. It disappears a while after the upload is complete; after a failure, when it is closed. */
function transferLine(name, cancel) {
  const bar = el('progress', { max: 1, value: 0, 'aria-label': `Upload of ${shown(name)}` })
  const text = el('small', {}, '')
  const button = iconButton('close', `Cancel upload of ${shown(name)}`, () =>
    bar.isConnected ? cancel() : line.remove(),
  )
  const line = el('div', {}, el('bdi', {}, shown(name)), button, bar)
  byId('transfers').append(line)
  const end = (message, isFailure = false) => {
    text.textContent = message
    bar.replaceWith(text)
    line.classList.toggle('failed', isFailure)
    if (!isFailure) setTimeout(() => line.remove(), 6000)
  }
  return { bar, end }
}

/** Returns the dropped files; a folder is replaced by its files. */
async function enqueueDropped(items) {
  // The list is valid only until the event ends, so it is read before any `await`.
  const dropped = [...items].filter(({ kind }) => kind === 'file')
  const entries = dropped.map(item => [item.webkitGetAsEntry?.(), item.getAsFile()])
  for (const [entry, file] of entries) {
    if (entry?.isDirectory) await enqueueFolder(entry, entry.name)
    else if (file !== null) enqueue([file])
  }
}

async function enqueueFolder(entry, below) {
  const reader = entry.createReader()
  for (;;) {
    const found = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    if (found.length === 0) return
    for (const each of found) {
      if (each.isDirectory) await enqueueFolder(each, `${below}/${each.name}`)
      else enqueue([await new Promise((resolve, reject) => each.file(resolve, reject))], below)
    }
  }
}

/** Connects the button and the page, on which files can be dropped. */
export function listenForUploads() {
  const chooser = byId('files')
  byId('upload').addEventListener('click', () => chooser.click())
  chooser.addEventListener('change', () => {
    enqueue([...chooser.files])
    chooser.value = ''
  })
  const mark = isOver => document.body.classList.toggle('dropping', isOver)
  addEventListener('dragover', event => {
    if (!event.dataTransfer.types.includes('Files')) return
    event.preventDefault()
    mark(folder.storage?.writable === true)
  })
  addEventListener('dragleave', event => event.relatedTarget === null && mark(false))
  addEventListener('drop', event => {
    mark(false)
    event.preventDefault()
    if (folder.storage?.writable !== true) return say('This storage is read-only here.', true)
    enqueueDropped(event.dataTransfer.items).catch(error => say(error.message, true))
  })
}
