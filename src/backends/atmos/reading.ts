import { release } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import type { ByteRange, ExpectedHash, ReadResult } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { HttpResponse } from '../../http/request.ts'
import { expectedHash } from '../../remote/checksums.ts'
import { sizeOf } from '../../remote/headers.ts'
import { readObject } from '../../remote/reading.ts'
import { checksumIn } from './checksum.ts'
import type { AtmosClient } from './client.ts'
import { classifyAtmos } from './errors.ts'
import { look, missing, UTF8 } from './lookup.ts'
import { type AtmosStat, statOf } from './metadata.ts'

/** The bytes to read, and whether they are compared with a stored checksum. */
export interface WantedBytes {
  readonly range?: ByteRange | undefined
  readonly isChecked: boolean
}

/**
 * Reads an object or a range of it. A range that ends beyond the object is cut there, even if the service refuses it. A complete read is
 * compared with the service's own checksum if it covers all bytes, otherwise with the MD5 in the tag of libcloud or this library.
 */
export async function readStored(
  client: AtmosClient,
  path: string,
  wanted: WantedBytes,
  ctx: CallContext,
): Promise<ReadResult> {
  try {
    return await readOnce(client, path, wanted, ctx)
  } catch (error) {
    const code = classifyAtmos(error)
    if (code === 'not_a_directory') throw missing(error)
    const { start, end } = wanted.range ?? {}
    if (code !== 'invalid_range' || start === undefined || end === undefined) throw error
    const size = await look(client, path, ctx).then(
      found => found.size,
      () => 0,
    )
    if (start >= size || end <= size) throw error
    return readOnce(client, path, { ...wanted, range: { start, end: size } }, ctx)
  }
}

async function readOnce(
  client: AtmosClient,
  path: string,
  { range, isChecked }: WantedBytes,
  ctx: CallContext,
): Promise<ReadResult> {
  let found: AtmosStat | undefined
  let hash: ExpectedHash | undefined
  const get = async (headers: Readonly<Record<string, string>>): Promise<HttpResponse> => {
    const answer = await client.send({ method: 'GET', path, headers: { ...UTF8, ...headers } }, ctx)
    found = statOf(answer.headers)
    hash = isChecked ? hashIn(answer, found) : undefined
    if (found.isDirectory !== true) return answer
    release(answer)
    throw new StorageError('is_directory', 'It is a directory.')
  }
  const protocol = { get, statOf: () => found!, matchHeader: (etag: string) => etag, classify: classifyAtmos }
  const { body, stat } = await readObject(protocol, { range })
  const { objectId: _, md5: __, size: ___, ...told } = found!
  const size = stat?.size ?? found!.size
  const hashes = range === undefined ? { expected: hash } : { whole: hash }
  // The protocol distinguishes versions only by object and second of the last change.
  const continues = size !== undefined && told.modifiedAt !== undefined && told.etag !== undefined
  return { body, ...hashes, stat: { ...told, size }, continues, isUnchecked: !isChecked }
}

/** The hash that all bytes must have, from the values that the service stores. */
function hashIn({ headers }: HttpResponse, { md5, size = sizeOf(headers) }: AtmosStat): ExpectedHash | undefined {
  const own = checksumIn(headers)
  if (own !== undefined && (own.offset === undefined || own.offset === size)) {
    return expectedHash(own.algorithm, own.value, 'hex')
  }
  return md5 === undefined ? undefined : expectedHash('MD5', md5, 'hex')
}
