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
 * Writes an object with one PUT whose body is the content as it arrives: chunked if its length is unknown. The MD5 is computed while the
 * bytes are sent, and compared with the ETag of the answer. Such a body is sent only once: if the token has expired by then, the error
 * states that.
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
