import { Bare, partsOf, read } from '../remote/bare.ts'
import { type Contender, count } from '../remote/contender.ts'

const BUCKET = '/storage/v1/b/bucket/o'
const UPLOAD = '/upload/storage/v1/b/bucket/o'
const BOUNDARY = 'bare'
const RELATED = { 'content-type': `multipart/related; boundary=${BOUNDARY}` }
const JSON_TYPE = { 'content-type': 'application/json; charset=UTF-8' }
const TAIL = Buffer.from(`\r\n--${BOUNDARY}--\r\n`)

/** Bare requests to the bucket of the sink, downloads as Holdall asks for them; a large body goes up part after part, as one of unknown size must. */
export function bare(endpoint: string): Contender {
  const http = new Bare(endpoint)
  const object = (key: string): string => `${BUCKET}/${encodeURIComponent(key)}`
  const media = (key: string): string => `/bucket/${key}`
  return {
    async put(key, bytes) {
      const head = Buffer.from(
        `--${BOUNDARY}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{"name":"${key}"}\r\n` +
          `--${BOUNDARY}\r\ncontent-type: application/octet-stream\r\n\r\n`,
      )
      const path = `${UPLOAD}?uploadType=multipart&name=${encodeURIComponent(key)}`
      return http.ask('POST', path, RELATED, Buffer.concat([head, bytes, TAIL]))
    },
    get: async key => (await http.ask('GET', media(key))).byteLength,
    head: async key => Number(JSON.parse((await http.ask('GET', object(key))).toString()).size),
    async upload(key, source, size) {
      const start = `${UPLOAD}?uploadType=resumable&name=${encodeURIComponent(key)}`
      const begun = await http.send('POST', start, JSON_TYPE, Buffer.from(`{"name":"${key}"}`))
      await read(begun)
      const { pathname, search } = new URL(begun.headers.location!)
      for await (const { offset, size: length, chunks } of partsOf(source)) {
        // A client that does not know the size reads ahead; this one looks.
        const total = offset + length === size ? size : '*'
        const range = { 'content-range': `bytes ${offset}-${offset + length - 1}/${total}` }
        await http.ask('PUT', pathname + search, range, ...chunks)
      }
    },
    download: async key => count(await http.send('GET', media(key))),
    async list() {
      let keys = 0
      let token = ''
      do {
        const text = (await http.ask('GET', `${BUCKET}${token && `?pageToken=${token}`}`)).toString()
        keys += text.split('"name":').length - 1
        token = /"nextPageToken":"(\d+)"/.exec(text)?.[1] ?? ''
      } while (token !== '')
      return keys
    },
  }
}
