import type { IncomingHttpHeaders } from 'node:http'
import { release } from '../../core/abort.ts'
import { drain } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import type { ReadOptions, ReadResult, Stat } from '../../core/driver.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import type { HttpResponse } from '../../http/request.ts'
import { headerTextOf, sizedStat, sizeOf, statOfHeaders } from '../../remote/headers.ts'
import { HttpStatusError } from '../../remote/http-error.ts'
import { readObject } from '../../remote/reading.ts'
import type { Query } from '../../remote/sign/query.ts'
import type { NimbusClient, NimbusRequest } from './client.ts'
import { classifyNimbus } from './errors.ts'
import { keyPath } from './names.ts'

/** Files are distinguished only by size and time: both are always present. */
const OF_FILES = ['last-modified']

/** A file, with its collection and version. */
export interface StoredFile {
  readonly collection: string
  readonly key: string
  readonly versionId?: string | undefined
}

/** Reads files of a collection. */
export class Reading {
  readonly #client: NimbusClient

  constructor(client: NimbusClient) {
    this.#client = client
  }

  /**
   * Parses HEAD: size, time, and the type that the service guesses from the name. HEAD does not support versions: for a version, the first
   * byte is read.
   */
  async head(file: StoredFile, ctx: CallContext): Promise<Stat> {
    if (file.versionId !== undefined) {
      const result = await this.read(file, { range: { start: 0, end: 1 } }, ctx)
      await drain(result)
      const { isBrief: _, ...told } = result.stat ?? {}
      return sizedStat({ ...told, size: told.size })
    }
    const expected = { statuses: [200], headers: ['content-length', ...OF_FILES] }
    return sizedStat(statOf(await this.#client.done({ ...requestOf('HEAD', file), expected }, ctx), file))
  }

  /**
   * The bytes of a file or a range of it. There are no etags: `continues` means that size and time, in seconds, connect several requests.
   */
  async read(file: StoredFile, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const protocol = {
      get: ({ range }: Readonly<Record<string, string>>) => this.#get(file, range, ctx),
      statOf: (headers: IncomingHttpHeaders) => statOf(headers, file),
      matchHeader: (): string => {
        throw new StorageError('unsupported', 'Nimbus.io has no etags.')
      },
      classify: classifyNimbus,
    }
    const result = await readObject(protocol, options)
    const { size, modifiedAt } = result.stat ?? {}
    const continues = size !== undefined && modifiedAt !== undefined
    return { ...result, stat: { ...result.stat, isBrief: true }, continues }
  }

  /**
   * A GET of the file. If a range ends beyond the file, the service sends fewer bytes than it announces; then everything from the start of
   * the range is requested. If a range starts beyond the file, the answer is 503, as from an overloaded server; the file's size
   * distinguishes the two.
   */
  async #get(file: StoredFile, range: string | undefined, ctx: CallContext): Promise<HttpResponse> {
    const send = (value: string | undefined): Promise<HttpResponse> => {
      const expected = { statuses: value === undefined ? [200] : [200, 206], headers: OF_FILES }
      const headers = value === undefined ? {} : { range: value }
      return this.#client.send({ ...requestOf('GET', file), headers, expected }, ctx)
    }
    if (range === undefined) return send(undefined)
    const rest = range.slice(0, range.indexOf('-') + 1)
    try {
      const answer = await send(range)
      if (!isBeyondEnd(answer) || range === rest) return answer
      release(answer)
    } catch (error) {
      if (!(error instanceof HttpStatusError) || (error.status !== 503 && error.status !== 416)) throw error
      const { size } = await this.head(file, ctx).catch(reason => {
        // The file is missing, or the server does not answer at all.
        throw isStorageError(reason) || classifyNimbus(reason) === 'not_found' ? reason : error
      })
      const [start = 0, last = 0] = range.slice('bytes='.length).split('-').map(Number)
      if (start >= size) {
        const text = `The file has ${size} bytes; none at ${start}.`
        throw new StorageError('invalid_range', text, { cause: error, status: error.status })
      }
      if (last < size) throw error
    }
    return send(rest)
  }
}

/** Whether `Content-Range` contains a last byte that the file does not have. */
function isBeyondEnd({ status, headers }: HttpResponse): boolean {
  const [, first, last] = /^bytes (\d{1,15})-(\d{1,15})\//.exec(headers['content-range'] ?? '') ?? []
  const size = sizeOf(headers)
  return status === 206 && size !== undefined && Number(first) < size && Number(last) >= size
}

function requestOf(
  method: 'GET' | 'HEAD',
  { collection, key, versionId }: StoredFile,
): Omit<NimbusRequest, 'expected'> {
  return { method, collection, path: keyPath('data', key), query: versionQuery(versionId), seeksFile: true }
}

/** The query for a version of a file. */
export function versionQuery(versionId: string | undefined): Exclude<Query, string> {
  return versionId === undefined ? [] : [['version_identifier', versionId]]
}

function statOf(headers: IncomingHttpHeaders, { versionId }: StoredFile): ReturnType<typeof statOfHeaders> {
  const { size, modifiedAt, contentType } = statOfHeaders(headers)
  const contentEncoding = headerTextOf(headers['content-encoding'])
  return { size, modifiedAt, contentType, contentEncoding, versionId }
}
