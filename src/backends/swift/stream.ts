import { Readable } from 'node:stream'
import { nodeCrypto } from '../../core/builtin.ts'
import type { CallContext } from '../../core/call.ts'
import { type Content, contentChunks } from '../../core/content.ts'
import type { Stat } from '../../core/driver.ts'
import { STORED } from './api.ts'
import type { SwiftClient } from './client.ts'
import { headerStatOf } from './headers.ts'
import type { SwiftTarget } from './parts.ts'
import { settled } from './verification.ts'

/**
 * Writes an object by one PUT whose body is the content as it comes: chunked where its length is not known. The MD5 is that of the bytes as they are sent, and
 * compared with the ETag of the answer. Such a body is sent once: where the token has ended by then, the error says so.
 */
export async function writeStream(
  client: SwiftClient,
  container: string,
  { key, headers, conditions, replaced, options }: SwiftTarget,
  content: Content,
  ctx: CallContext,
): Promise<Stat> {
  await replaced.look(ctx, { underCondition: conditions['if-none-match'] !== undefined })
  const hash = nodeCrypto().createHash('md5')
  let size = 0
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of contentChunks(content, ctx, options.onProgress)) {
      hash.update(chunk)
      size += chunk.byteLength
      yield chunk
    }
  }
  const length = content.size === undefined ? undefined : { 'content-length': String(content.size) }
  const place = { container, key }
  const body = Readable.from(hashed(), { objectMode: false })
  const own = { ...headers, ...conditions, ...length, expect: '100-continue' }
  const answer = await client.stream({ method: 'PUT', place, headers: own, body, expected: STORED }, ctx)
  const etag = hash.digest('hex')
  await settled(client, place, etag, answer, ctx)
  return { ...headerStatOf(answer), size, etag }
}
