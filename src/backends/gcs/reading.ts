import { release } from '../../core/abort.ts'
import { type Body, StreamBody } from '../../core/body.ts'
import type { ReadOptions, ReadResult } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { HttpResponse } from '../../http/request.ts'
import { headerTextOf } from '../../remote/headers.ts'
import { readObject } from '../../remote/reading.ts'
import { gunzipped } from '../../storage/compression.ts'
import { classifyGcs } from './errors.ts'
import { statOfAnswer } from './resource.ts'

/** Sends a GET with these headers: at most `range` and `if-match`. */
export type GetWith = (headers: Readonly<Record<string, string>>) => Promise<HttpResponse>

/**
 * Reads the stored bytes of a file or a range of them. A complete read is compared with the stored checksum. If the service, or a proxy,
 * compresses or decompresses the bytes, then offsets, lengths and the checksum are not those of the stored bytes. The result then has no
 * etag and no size, so that no read is resumed, and a range is `unsupported`. (https://cloud.google.com/storage/docs/transcoding)
 */
export async function readStored(get: GetWith, options: ReadOptions): Promise<ReadResult> {
  const { range } = options
  let changed: Change | undefined
  const checked = async (headers: Readonly<Record<string, string>>): Promise<HttpResponse> => {
    const answer = await get(headers)
    changed = changeOf(answer)
    if (changed === undefined) return answer
    if (range === undefined || (range.start === 0 && range.end === undefined)) return withoutLength(answer)
    release(answer)
    throw new StorageError(
      'unsupported',
      'The service decompresses this file while sending it, so ranges are not supported.',
    )
  }
  const protocol = { get: checked, statOf: statOfAnswer, matchHeader: (etag: string) => etag, classify: classifyGcs }
  const { body, stat = {} } = await readObject(protocol, options)
  const { crc32c: _, ...told } = stat as ReturnType<typeof statOfAnswer>
  if (changed !== undefined) {
    const { size: _size, etag: _etag, contentEncoding: _encoding, checksums: _sums, ...rest } = told
    return { body: changed === 'packed' ? unpacked(body) : body, stat: rest }
  }
  return { body, stat: told }
}

type Change = 'packed' | 'unpacked'

/** How the stored bytes were changed on the way; undefined if they are unchanged. */
function changeOf({ headers }: HttpResponse): Change | undefined {
  const stored = headerTextOf(headers['x-goog-stored-content-encoding'])?.toLowerCase() ?? ''
  if (stored === '') return undefined
  const isPacked = headerTextOf(headers['content-encoding'])?.toLowerCase() === 'gzip'
  if (stored === 'gzip') return isPacked ? undefined : 'unpacked'
  return stored === 'identity' && isPacked ? 'packed' : undefined
}

/** Removes the length of an answer: it may be that of the stored bytes. */
function withoutLength({ status, headers, body }: HttpResponse): HttpResponse {
  const { 'content-length': _length, 'content-range': _range, ...rest } = headers
  return { status: status === 206 ? 200 : status, headers: rest, body }
}

function unpacked(body: Body): Body {
  return new StreamBody(gunzipped(body.stream()))
}
