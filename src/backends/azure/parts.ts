import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { type Outcome, StorageError } from '../../core/errors.ts'
import { bodySize } from '../../http/request.ts'
import { detached } from '../../remote/aftermath.ts'
import { type Bytes, checksumOf, hashOf } from '../../remote/checksums.ts'
import { serviceCodeOf } from '../../remote/codes.ts'
import { dateOf, etagOf, headerTextOf } from '../../remote/headers.ts'
import type { FailedFinish, PartProtocol, ResumedUpload, UploadTarget } from '../../remote/part-protocol.ts'
import type { PartLimits, Piece, PieceRange } from '../../remote/pieces.ts'
import { notAnId } from '../../remote/resumable.ts'
import type { XmlNode } from '../../remote/xml.ts'
import { BlockIds } from './block-ids.ts'
import type { AzureClient } from './client.ts'
import { classifyAzure } from './errors.ts'
import type { AzureRequest } from './operations.ts'

type Headers = Readonly<Record<string, string>>

/** A blob to write, with the headers of its requests. */
export interface AzureTarget extends UploadTarget {
  /** Headers of the blob. */
  readonly headers: Headers
  /** Headers of each block. */
  readonly blockHeaders: Headers
  /** Conditions of the request that makes the blob visible. */
  readonly conditions: Headers
}

/** The blocks of an unfinished blob. The service has no uploads: it keeps blocks for a week, until some of them are committed as a blob. */
export interface AzureUpload {
  readonly target: AzureTarget
  ids: BlockIds
  /** Whether the service has one of our blocks: all ids must then have the same length. */
  begun: boolean
}

/** A block that the service has stored. */
export interface AzureBlock {
  readonly id: string
  /** Bytes. */
  readonly size: number
}

/** How the service verifies a body. It stores its own MD5 of a blob that is sent with one request. */
export type ChecksumMode = 'crc64' | 'md5' | 'off'

const MIB = 1024 * 1024

/** Blobs in blocks. (https://learn.microsoft.com/rest/api/storageservices/understanding-block-blobs--append-blobs--and-page-blobs) */
export class AzureParts implements PartProtocol<AzureUpload, AzureBlock, AzureTarget> {
  readonly limits: PartLimits = { minPart: 1, maxPart: 4000 * MIB, maxParts: 50_000 }
  readonly #client: AzureClient
  readonly #checksum: ChecksumMode

  constructor(client: AzureClient, checksum: ChecksumMode) {
    this.#client = client
    this.#checksum = checksum
  }

  /** Put Blob. */
  async put({ key, headers, conditions }: AzureTarget, body: Bytes, ctx: CallContext): Promise<Stat> {
    const sums = this.#sums(body)
    const own = { ...headers, ...sums, ...conditions, 'x-ms-blob-type': 'BlockBlob' }
    const answer = await this.#client.done({ method: 'PUT', key, headers: own, body }, ctx)
    verify(sums, answer, 'unknown')
    return statOfAnswer(answer, bodySize(body))
  }

  /** Sends no request: an upload begins with its first block. */
  async begin(target: AzureTarget): Promise<AzureUpload> {
    return { target, ids: new BlockIds(), begun: false }
  }

  /** Put Block. */
  part(upload: AzureUpload, { number, chunks, size }: Piece, ctx: CallContext): Promise<AzureBlock> {
    const { target } = upload
    const sums = this.#sums(chunks)
    return this.#block(upload, number, size, ctx, async query => {
      const request = {
        method: 'PUT',
        key: target.key,
        query,
        headers: { ...target.blockHeaders, ...sums },
        body: chunks,
      } as const
      verify(sums, await this.#client.done(request, ctx), 'not_applied')
    })
  }

  /** Put Block From URL; `source` holds the headers that identify the source. */
  copyPart(
    upload: AzureUpload,
    { number, offset, size }: PieceRange,
    source: Headers,
    ctx: CallContext,
  ): Promise<AzureBlock> {
    const { target } = upload
    const range = { 'x-ms-source-range': `bytes=${offset}-${offset + size - 1}` }
    return this.#block(upload, number, size, ctx, async query => {
      const headers = { ...target.blockHeaders, ...source, ...range }
      await this.#client.done({ method: 'PUT', key: target.key, query, headers, body: EMPTY }, ctx)
    })
  }

  /** Put Block List. */
  async finish({ target }: AzureUpload, blocks: readonly AzureBlock[], ctx: CallContext): Promise<Stat> {
    const { key, headers, conditions } = target
    const listed = blocks.map(({ id }) => `<Latest>${id}</Latest>`).join('')
    const body = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${listed}</BlockList>`)
    const sums = this.#sums(body)
    const own = { ...headers, ...sums, ...conditions, 'content-type': 'application/xml' }
    const query = [['comp', 'blocklist']] as const
    const answer = await this.#client.done({ method: 'PUT', key, query, headers: own, body }, ctx)
    return statOfAnswer(answer, sizeOf(blocks))
  }

  /** Nothing can be removed without changing the blob, and nothing is billed for longer than a week. */
  async end(): Promise<boolean> {
    return true
  }

  /** The common beginning of the block ids. First checks for blocks that another client left: all ids must have the same length. */
  async save(upload: AzureUpload, ctx: CallContext): Promise<string> {
    const { uncommitted } = await this.#blockLists(upload.target.key, ctx)
    upload.ids = BlockIds.like(uncommitted[0]?.id) ?? upload.ids
    return upload.ids.text
  }

  /** The uncommitted blocks. If the service has none, the upload may not have sent any yet. */
  async resume(
    target: AzureTarget,
    saved: string,
    ctx: CallContext,
  ): Promise<ResumedUpload<AzureUpload, AzureBlock> | undefined> {
    const ids = BlockIds.of(saved)
    if (ids === undefined) throw notAnId()
    const { committed, uncommitted } = await this.#blockLists(target.key, ctx)
    const waiting = new Map(uncommitted.map(block => [block.id, block]))
    if (committed[0]?.id === ids.idOf(1) || waiting.has(ids.idOf(CANCELLED))) return undefined
    const parts: AzureBlock[] = []
    for (let block = waiting.get(ids.idOf(1)); block !== undefined; block = waiting.get(ids.idOf(parts.length + 1))) {
      parts.push(block)
    }
    return { upload: { target, ids, begun: parts.length > 0 }, parts, offset: sizeOf(parts) }
  }

  /** Marks the upload with a block of one byte: blocks cannot be removed, and Azure drops them after a week. */
  async cancel(upload: AzureUpload, ctx: CallContext): Promise<boolean> {
    const piece = { number: CANCELLED, offset: 0, size: 1, chunks: [Buffer.alloc(1)] }
    await ctx.step('cancelUpload', true, step => this.part(upload, piece, step))
    return true
  }

  /** Whether the blocks were dropped, as happens when another writer commits a blob of that name. */
  isGone(error: unknown): boolean {
    return serviceCodeOf(error) === 'InvalidBlockList'
  }

  /** After a lost answer, compares the ids of the blob's blocks: they begin with random bytes, so they show who wrote the blob. */
  async fate(
    { target: { key } }: AzureUpload,
    blocks: readonly AzureBlock[],
    { lost }: FailedFinish,
    ctx: CallContext,
  ): Promise<'open' | 'done' | 'gone'> {
    if (!lost) return 'open'
    const { committed, uncommitted } = await this.#blockLists(key, detached(ctx))
    const isMade = committed.length === blocks.length && blocks.every(({ id }, at) => committed[at]!.id === id)
    if (isMade) return 'done'
    const left = new Set(uncommitted.map(({ id }) => id))
    return blocks.every(({ id }) => left.has(id)) ? 'open' : 'gone'
  }

  /** Sends a block. If blocks that another client left have ids of another length, our ids get that length. */
  async #block(
    upload: AzureUpload,
    number: number,
    size: number,
    ctx: CallContext,
    send: (query: NonNullable<AzureRequest['query']>) => Promise<void>,
  ): Promise<AzureBlock> {
    const attempt = async ({ ids }: AzureUpload): Promise<AzureBlock> => {
      const id = ids.idOf(number)
      await send([
        ['comp', 'block'],
        ['blockid', id],
      ])
      upload.begun = true
      return { id, size }
    }
    const { ids } = upload
    try {
      return await attempt(upload)
    } catch (error) {
      if (serviceCodeOf(error) !== 'InvalidBlobOrBlock') throw error
      // A parallel block may have changed the ids meanwhile. A second refusal is final.
      if (upload.ids === ids) await this.#adopt(upload, error, ctx)
      return attempt(upload)
    }
  }

  /** Changes the id length of an upload without blocks to that of the existing blocks. Throws `error` if that does not help. */
  async #adopt(upload: AzureUpload, error: unknown, ctx: CallContext): Promise<void> {
    const { ids } = upload
    if (upload.begun) throw error
    const { uncommitted } = await this.#blockLists(upload.target.key, ctx)
    if (upload.ids !== ids) return
    const like = BlockIds.like(uncommitted[0]?.id)
    if (like === undefined || like.length === ids.length) throw error
    upload.ids = like
  }

  /** The committed and uncommitted blocks of a blob; empty lists if it has neither. */
  #blockLists(key: string, ctx: CallContext): Promise<Record<'committed' | 'uncommitted', readonly AzureBlock[]>> {
    return ctx.step('blockList', true, async step => {
      const query = [['comp', 'blocklist'] as const, ['blocklisttype', 'all'] as const]
      try {
        const { root } = await this.#client.xml({ method: 'GET', key, query }, step)
        return {
          committed: blocksIn(root.child('CommittedBlocks')),
          uncommitted: blocksIn(root.child('UncommittedBlocks')),
        }
      } catch (error) {
        if (classifyAzure(error) !== 'not_found') throw error
        return { committed: [], uncommitted: [] }
      }
    })
  }

  #sums(bytes: Bytes): Record<string, string> {
    if (this.#checksum === 'off') return {}
    if (this.#checksum === 'md5') return { 'content-md5': hashOf('md5', bytes, 'base64') }
    return { 'x-ms-content-crc64': azureCrc64(bytes) }
  }
}

const EMPTY = Buffer.alloc(0)
/** Number of the block that marks a cancelled upload. */
const CANCELLED = 0

/** Azure's CRC-64 is that of NVMe, but with the lowest byte first. */
function azureCrc64(bytes: Bytes): string {
  return Buffer.from(checksumOf('CRC64NVME', bytes), 'base64').reverse().toString('base64')
}

/** Compares a checksum in the answer with the one that was sent. */
function verify(sums: Headers, answer: IncomingHttpHeaders, outcome: Outcome): void {
  for (const [name, value] of Object.entries(sums)) {
    const said = answer[name]
    if (said === undefined || said === value) continue
    const text = 'The checksum of the stored bytes differs from that of the sent bytes.'
    throw new StorageError('checksum_mismatch', text, { outcome })
  }
}

function blocksIn(list: XmlNode | undefined): AzureBlock[] {
  return (list?.children('Block') ?? []).map(node => ({
    id: node.child('Name')?.text.trim() ?? '',
    size: Number(node.child('Size')?.text),
  }))
}

function sizeOf(blocks: readonly AzureBlock[]): number {
  return blocks.reduce((sum, { size }) => sum + size, 0)
}

function statOfAnswer(headers: IncomingHttpHeaders, size: number): Stat {
  return {
    size,
    etag: etagOf(headers.etag),
    modifiedAt: dateOf(headers['last-modified']),
    versionId: headerTextOf(headers['x-ms-version-id']),
  }
}
