import type { IncomingHttpHeaders } from 'node:http'
import { release } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import type { ReadOptions, ReadResult } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { HttpResponse } from '../../http/request.ts'
import { readObject } from '../../remote/reading.ts'
import { type Headers, OBJECT, RANGE } from './api.ts'
import type { SwiftClient } from './client.ts'
import { classifySwift } from './errors.ts'
import { headerStatOf } from './headers.ts'

/** More headers of a read, and a callback for the headers of its answer. */
export interface ReadHooks {
  readonly asked?: Headers | undefined
  readonly seen?: ((headers: IncomingHttpHeaders) => void) | undefined
}

/**
 * Reads an object, or a range of it. A complete read of a plain object is compared with its ETag; the ETag of a large object is not a hash
 * of its bytes.
 */
export async function readStored(
  client: SwiftClient,
  place: { readonly container: string; readonly key: string },
  options: ReadOptions,
  ctx: CallContext,
  { asked, seen }: ReadHooks = {},
): Promise<ReadResult> {
  // Swift honours `If-Match` here, but not for writes, so the feature is not reported, and the storage compares ETags itself.
  if (options.ifMatch !== undefined)
    throw new StorageError('unsupported', 'Swift does not honour conditions of writes.')
  const get = async (headers: Record<string, string>): Promise<HttpResponse> => {
    const expected = headers['range'] === undefined ? OBJECT : RANGE
    const answer = await client.send({ method: 'GET', place, headers: { ...asked, ...headers }, expected }, ctx)
    seen?.(answer.headers)
    return answer
  }
  const matchHeader = (etag: string): string => `"${etag}"`
  const result = await readObject({ get, statOf: headerStatOf, matchHeader, classify: classifySwift }, options)
  if (result.stat?.isDirectory === true) {
    release(result)
    throw new StorageError('is_directory', `'${place.key}' is a directory.`)
  }
  return result
}
