import { Bare, read } from '../remote/bare.ts'
import { type Contender, count } from '../remote/contender.ts'

/** Bare requests to the bucket of the sink; a large body goes up in one. */
export function bare(endpoint: string): Contender {
  const http = new Bare(endpoint)
  return {
    put: (key, bytes) => http.ask('PUT', `/bucket/${key}`, {}, bytes),
    get: async key => (await http.ask('GET', `/bucket/${key}`)).byteLength,
    head: key => http.size(`/bucket/${key}`),
    upload: async (key, source, size) => read(await http.pipe('PUT', `/bucket/${key}`, source, size)),
    download: async key => count(await http.send('GET', `/bucket/${key}`)),
    async list() {
      let keys = 0
      let token = ''
      do {
        const path = `/bucket/?list-type=2${token && `&continuation-token=${token}`}`
        const text = (await http.ask('GET', path)).toString()
        keys += text.split('<Key>').length - 1
        token = /<NextContinuationToken>(\d+)</.exec(text)?.[1] ?? ''
      } while (token !== '')
      return keys
    },
  }
}
