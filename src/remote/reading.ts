import type { IncomingHttpHeaders } from 'node:http'
import { BytesBody, drain } from '../core/body.ts'
import type { ReadOptions, ReadResult } from '../core/driver.ts'
import { type ErrorCode, StorageError } from '../core/errors.ts'
import { isWeakEtag } from '../core/etags.ts'
import { etagOf, type HeaderStat } from './headers.ts'
import { checkedRead, type GetAnswer } from './ranges.ts'

/** How one service answers a GET. */
export interface ReadProtocol {
  /** Sends a GET of the file with these headers. */
  get(headers: Record<string, string>): Promise<GetAnswer>
  /** Parses the headers of the answer about the file. */
  statOf(headers: IncomingHttpHeaders): HeaderStat
  /** The value of `If-Match`; `Conditions#matchHeader`. */
  matchHeader(etag: string): string
  classify(error: unknown): ErrorCode | undefined
}

/**
 * Reads a file, or a range of it, with one GET with `Range` and `If-Match`; `checkedRead` checks the answer. A range from 0 of an empty
 * file is empty, although the service refuses it. A weak etag, which no service matches, is compared with the etag of the answer:
 * `precondition_failed` if they differ.
 */
export async function readObject(
  protocol: ReadProtocol,
  options: Pick<ReadOptions, 'range' | 'ifMatch'>,
): Promise<ReadResult> {
  const { range, ifMatch } = options
  if (range?.end !== undefined && range.end <= range.start) return readNothing(protocol, options)
  const headers: Record<string, string> = {}
  if (range !== undefined) headers['range'] = `bytes=${range.start}-${range.end === undefined ? '' : range.end - 1}`
  const isWeak = ifMatch !== undefined && isWeakEtag(ifMatch)
  if (ifMatch !== undefined && !isWeak) headers['if-match'] = protocol.matchHeader(ifMatch)
  try {
    const answer = await protocol.get(headers)
    if (isWeak && etagOf(answer.headers.etag) !== ifMatch) {
      await drain(answer)
      throw new StorageError('precondition_failed', 'The file has another etag.', { status: 412 })
    }
    const { body, size } = checkedRead(range, answer)
    return { body, stat: { ...protocol.statOf(answer.headers), size } }
  } catch (error) {
    if (range?.start !== 0 || protocol.classify(error) !== 'invalid_range') throw error
    return readObject(protocol, { ...options, range: undefined })
  }
}

/** HTTP cannot express an empty range, so a request checks that it lies within the file. */
async function readNothing(
  protocol: ReadProtocol,
  { range, ifMatch }: Pick<ReadOptions, 'range' | 'ifMatch'>,
): Promise<ReadResult> {
  const { start } = range!
  const result = await readObject(protocol, { ifMatch, range: { start, end: start + 1 } })
  await drain(result)
  return { body: new BytesBody(Buffer.alloc(0)), stat: result.stat }
}
