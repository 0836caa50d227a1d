import type { IncomingMessage } from 'node:http'
import * as http from 'node:http'
import * as https from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Contender, count } from './contender.ts'

/** `node:http` or `node:https` with a keep-alive agent and no signature: what no client can go below. */
export function bare(endpoint: string): Contender {
  const { protocol, hostname, port } = new URL(endpoint)
  const { Agent, request } = protocol === 'https:' ? https : http
  const agent = new Agent({ keepAlive: true })
  const options = (method: string, path: string, headers: Record<string, string | number> = {}) => ({
    hostname,
    port,
    agent,
    method,
    path: `/bucket/${path}`,
    headers,
  })
  const send = (method: string, path: string, body?: Uint8Array): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-length': body.byteLength }
      request(options(method, path, headers), resolve)
        .on('error', reject)
        .end(body)
    })
  const read = async (response: IncomingMessage): Promise<Buffer> => {
    const chunks: Buffer[] = []
    await new Promise((resolve, reject) => {
      response
        .on('data', chunk => chunks.push(chunk))
        .on('end', resolve)
        .on('error', reject)
    })
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  }
  return {
    put: async (key, bytes) => read(await send('PUT', key, bytes)),
    get: async key => (await read(await send('GET', key))).byteLength,
    async head(key) {
      const response = await send('HEAD', key)
      await read(response)
      return Number(response.headers['content-length'])
    },
    async upload(key: string, source: Readable, size: number) {
      const outgoing = request(options('PUT', key, { 'content-length': size }))
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.on('response', resolve).on('error', reject)
      })
      await pipeline(source, outgoing)
      await read(await answered)
    },
    download: async key => count(await send('GET', key)),
    async list() {
      let keys = 0
      let token = ''
      do {
        const text = (
          await read(await send('GET', `?list-type=2${token && `&continuation-token=${token}`}`))
        ).toString()
        keys += text.split('<Key>').length - 1
        token = /<NextContinuationToken>(\d+)</.exec(text)?.[1] ?? ''
      } while (token !== '')
      return keys
    },
  }
}
