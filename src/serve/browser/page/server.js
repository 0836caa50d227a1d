/** The requests to the server, as functions. Addresses are relative to the page, wherever it is mounted. */

const address = (route, query) => `-/${route}?${new URLSearchParams(query)}`

/** Time in milliseconds after which a request that is repeated anyway is given up. */
const MAX_WAIT_MS = 30_000

/** Sent with every change; forms and links of other pages cannot send it. */
const CHANGE = { 'x-storage-browser': '1' }

/** Returns the error that the server reported. */
function failure(status, text) {
  try {
    return new Error(JSON.parse(text).error)
  } catch {
    return new Error(status === 0 ? 'The server cannot be reached.' : `The request failed (${status}).`)
  }
}

async function request(route, query, options) {
  const answer = await fetch(address(route, query), options).catch(() => undefined)
  if (!answer?.ok) throw failure(answer?.status ?? 0, (await answer?.text()) ?? '')
  return answer
}

const value = async (route, query) => (await request(route, query)).json()

export const overview = () => value('storages', {})
export const migrations = async () =>
  (await request('migrations', {}, { signal: AbortSignal.timeout(MAX_WAIT_MS) })).json()
export const listPage = (storage, path, token) => value('list', { storage, path, ...(token && { token }) })
export async function linkOf(storage, path) {
  const link = await value('link', { storage, path })
  return { ...link, url: new URL(link.url, location.href).href }
}
export const remove = (storage, path) => request('file', { storage, path }, { method: 'DELETE', headers: CHANGE })
export const fileUrl = (storage, path) => address('file', { storage, path })
export const downloadUrl = (storage, path) => address('file', { storage, path, download: '' })
export const markdownUrl = (storage, path) => address('markdown', { storage, path })

/** Returns the beginning of a file as text; undefined for a binary file. */
export async function textOf(storage, path, maxBytes) {
  const reader = (await request('file', { storage, path })).body.getReader()
  const decoder = new TextDecoder()
  let [text, size] = ['', 0]
  for (;;) {
    const { done, value: bytes } = await reader.read()
    if (done) return { text: text + decoder.decode(), isCut: false }
    if (bytes.includes(0)) {
      reader.cancel()
      return undefined
    }
    text += decoder.decode(bytes, { stream: true })
    size += bytes.length
    if (size <= maxBytes) continue
    reader.cancel()
    return { text: text.slice(0, maxBytes), isCut: true }
  }
}

/** Stores a file in a folder. `onProgress` receives the sent share, from 0 to 1, which only XMLHttpRequest can report. */
export function upload(storage, folder, file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest()
    sending.open('PUT', address('file', { storage, path: folder, name: file.name }))
    for (const [name, text] of Object.entries(CHANGE)) sending.setRequestHeader(name, text)
    sending.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total)
    sending.onload = () => {
      if (sending.status === 201) resolve(JSON.parse(sending.responseText))
      else reject(failure(sending.status, sending.responseText))
    }
    sending.onerror = () => reject(failure(0, ''))
    sending.onabort = () => reject(new Error('The upload was cancelled.'))
    signal.addEventListener('abort', () => sending.abort())
    sending.send(file)
  })
}
