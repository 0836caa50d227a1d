import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { bodySize } from '../../http/request.ts'
import { textOf } from '../../remote/answers.ts'
import { type Bytes, hashOf } from '../../remote/checksums.ts'
import type { FailedFinish, PartProtocol, UploadTarget } from '../../remote/part-protocol.ts'
import type { PartLimits, Piece } from '../../remote/pieces.ts'
import type { NimbusClient, NimbusRequest } from './client.ts'
import { askedPrefix } from './listing.ts'
import { metadataQuery } from './metadata.ts'
import { keyPath } from './names.ts'

/** A conjoined archive in progress. */
export interface NimbusUpload {
  readonly target: UploadTarget
  readonly id: string
}

/** One conjoined archive in a listing. */
interface ListedUpload {
  readonly conjoined_identifier?: unknown
  readonly abort_timestamp?: unknown
  readonly complete_timestamp?: unknown
}

interface UploadList {
  readonly conjoined_list: readonly (ListedUpload | undefined)[]
  readonly truncated?: unknown
}

/** Maximum number of conjoined archives per request, and of requests to find one of them. */
const MAX_LISTED = '1000'
const MAX_PAGES = 100

/** Files in one request, or as conjoined archives with several requests. (nimbus.io developer's guide, "Archive", "Conjoined Archives") */
export class NimbusParts implements PartProtocol<NimbusUpload, number> {
  readonly limits: PartLimits = { minPart: 1, maxParts: 10_000 }
  readonly #client: NimbusClient
  readonly #collection: string

  constructor(client: NimbusClient, collection: string) {
    this.#client = client
    this.#collection = collection
  }

  /** One request with the length and the MD5 of its bytes. An empty file is `unsupported`. */
  async put({ key, options }: UploadTarget, body: Bytes, ctx: CallContext): Promise<Stat> {
    const size = bodySize(body)
    if (size === 0) throw emptyRefused()
    const versionId = await this.#archive(key, metadataQuery(key, options), body, ctx)
    return { size, versionId }
  }

  async begin(target: UploadTarget, ctx: CallContext): Promise<NimbusUpload> {
    const expected = { statuses: [200], fields: ['conjoined_identifier'] }
    const request = this.#conjoined(target.key, [['action', 'start']])
    const answer = await this.#client.json<Record<string, unknown>>({ ...request, expected }, ctx)
    const id = textOf(answer['conjoined_identifier'])
    if (id !== undefined) return { target, id }
    throw new StorageError('unavailable', 'The service began a conjoined archive without telling its identifier.')
  }

  /**
   * Sends one part, numbered from 1; returns its size in bytes. The file's metadata is sent with each part: the service stores it only for
   * parts.
   */
  async part({ target, id }: NimbusUpload, { number, chunks, size }: Piece, ctx: CallContext): Promise<number> {
    const place = [
      ['conjoined_identifier', id],
      ['conjoined_part', String(number)],
    ] as const
    await this.#archive(target.key, [...place, ...metadataQuery(target.key, target.options)], chunks, ctx)
    return size
  }

  /** Makes the file from its parts; its version is the identifier of the archive. */
  async finish({ target, id }: NimbusUpload, parts: readonly number[], ctx: CallContext): Promise<Stat> {
    const query = [['action', 'finish'] as const, ['conjoined_identifier', id] as const]
    await this.#client.succeed(this.#conjoined(target.key, query), ctx)
    return { size: parts.reduce((sum, size) => sum + size, 0), versionId: id }
  }

  /**
   * Aborts the archive. If its end may still arrive, nothing is done: an abort after the end would hide the file, and the previous file is
   * gone by then.
   */
  async end(upload: NimbusUpload, { mayBeDone }: { readonly mayBeDone: boolean }, ctx: CallContext): Promise<boolean> {
    if (mayBeDone) return (await this.#stateOf(upload, ctx)) !== 'open'
    const query = [['action', 'abort'] as const, ['conjoined_identifier', upload.id] as const]
    const request = this.#conjoined(upload.target.key, query)
    await ctx.step('endUpload', true, step => this.#client.succeed(request, step))
    return true
  }

  idOf({ id }: NimbusUpload): string {
    return id
  }

  /** Finds the result of a failed `finish` in the listing of conjoined archives. */
  fate(upload: NimbusUpload, _parts: readonly number[], _failure: FailedFinish, ctx: CallContext): Promise<Fate> {
    return this.#stateOf(upload, ctx)
  }

  /** Searches the archive among those of its key and of later ones, which are listed in the order in which they were begun. */
  async #stateOf({ target, id }: NimbusUpload, ctx: CallContext): Promise<Fate> {
    let after: string | undefined
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const { conjoined_list: list, truncated } = await ctx.step('askUpload', true, step =>
        this.#archivesBeyond(target.key, after, step),
      )
      const found = list.find(each => each?.conjoined_identifier === id)
      if (found !== undefined) return found.abort_timestamp ? 'gone' : found.complete_timestamp ? 'done' : 'open'
      const last = textOf(list.at(-1)?.conjoined_identifier)
      if (truncated !== true || last === undefined || last === after) break
      after = last
    }
    const text = `The service does not report the state of the conjoined archive ${id}.`
    throw new StorageError('unavailable', text, { outcome: 'unknown', retryable: false })
  }

  #archivesBeyond(key: string, after: string | undefined, ctx: CallContext): Promise<UploadList> {
    const query: Array<readonly [string, string]> = [['max_conjoined', MAX_LISTED]]
    // Keys after this one; the key itself is after its own beginning, in any order of the service.
    const marker = askedPrefix([...key].slice(0, -1).join(''))
    if (marker !== '') query.push(['key_marker', marker])
    if (marker !== '' && after !== undefined) query.push(['conjoined_identifier_marker', after])
    const expected = { statuses: [200], lists: ['conjoined_list'] }
    const request = { method: 'GET', collection: this.#collection, path: '/conjoined/', query, expected } as const
    return this.#client.json<UploadList>(request, ctx)
  }

  async #archive(key: string, query: NimbusRequest['query'], body: Bytes, ctx: CallContext): Promise<string> {
    const request: NimbusRequest = {
      method: 'POST',
      collection: this.#collection,
      path: keyPath('data', key),
      query,
      headers: { 'content-type': 'application/octet-stream', 'content-md5': hashOf('md5', body, 'base64') },
      body,
      expected: { statuses: [200], fields: ['version_identifier'] },
    }
    const { version_identifier: version } = await this.#client.json<Record<string, unknown>>(request, ctx)
    const text = typeof version === 'number' ? String(version) : textOf(version)
    if (text !== undefined) return text
    throw new StorageError('unavailable', 'The service took the bytes without telling a version.', {
      outcome: 'unknown',
    })
  }

  #conjoined(key: string, query: NimbusRequest['query']): Omit<NimbusRequest, 'expected'> {
    return { method: 'POST', collection: this.#collection, path: keyPath('conjoined', key), query }
  }
}

type Fate = 'open' | 'done' | 'gone'

/** Refuses a file without bytes, before any request: the service does not accept it. */
export function emptyRefused(): StorageError {
  return new StorageError('unsupported', 'Nimbus.io stores no empty files: there must be at least one byte.')
}
