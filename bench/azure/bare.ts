import { mapParallel } from '../../src/core/parallel.ts'
import { Bare, partsOf } from '../remote/bare.ts'
import { type Contender, count, PARALLEL } from '../remote/contender.ts'
import { ACCOUNT, CONTAINER } from './place.ts'

const ROOT = `/${ACCOUNT}/${CONTAINER}`
const BLOB = { 'x-ms-blob-type': 'BlockBlob' }

/** Bare requests to the container of the sink; a large body goes up in blocks, as that of every client must whose size is unknown. */
export function bare(endpoint: string): Contender {
  const http = new Bare(endpoint)
  return {
    put: (key, bytes) => http.ask('PUT', `${ROOT}/${key}`, BLOB, bytes),
    get: async key => (await http.ask('GET', `${ROOT}/${key}`)).byteLength,
    head: key => http.size(`${ROOT}/${key}`),
    async upload(key, source) {
      const ids: string[] = []
      await mapParallel(partsOf(source), { limit: PARALLEL }, ({ chunks }) => {
        const id = Buffer.from(String(ids.length).padStart(6, '0')).toString('base64')
        ids.push(id)
        return http.ask('PUT', `${ROOT}/${key}?comp=block&blockid=${encodeURIComponent(id)}`, {}, ...chunks)
      })
      const blocks = ids.map(id => `<Latest>${id}</Latest>`).join('')
      const list = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${blocks}</BlockList>`)
      await http.ask('PUT', `${ROOT}/${key}?comp=blocklist`, {}, list)
    },
    download: async key => count(await http.send('GET', `${ROOT}/${key}`)),
    async list() {
      let keys = 0
      let marker = ''
      do {
        const path = `${ROOT}?restype=container&comp=list${marker && `&marker=${marker}`}`
        const text = (await http.ask('GET', path)).toString()
        keys += text.split('<Blob>').length - 1
        marker = /<NextMarker>(\d+)</.exec(text)?.[1] ?? ''
      } while (marker !== '')
      return keys
    },
  }
}
