/** Services in memory of each shape of uploads, with faults at any request. */
import { setImmediate as turn } from 'node:timers/promises'
import type { CallContext } from '../../src/core/call.ts'
import type { Stat } from '../../src/core/driver.ts'
import { isStorageError, StorageError } from '../../src/core/errors.ts'
import type { Bytes } from '../../src/remote/checksums.ts'
import { OpenUploads } from '../../src/remote/open-uploads.ts'
import type { Creation, FailedFinish, PartProtocol, UploadTarget } from '../../src/remote/part-protocol.ts'
import type { PartLimits, Piece } from '../../src/remote/pieces.ts'

/** What happens to a request. */
export const FAULTS = [
  'refused',
  'denied',
  'lost before',
  'lost after',
  'lie',
  'cut',
  'abort before',
  'abort after',
  'close before',
  'close after',
] as const

export type FaultKind = (typeof FAULTS)[number]

/** Bytes that every part but the last must have, and of which it is a multiple where that is demanded. */
export const UNIT = 4

/** Objects, requests and their faults; the shapes say what is kept of an upload. */
export abstract class MemoryService {
  readonly objects: Map<string, Buffer> = new Map()
  readonly uploads: OpenUploads = new OpenUploads()
  /** By the number of the request, from 0. */
  faults: ReadonlyMap<number, FaultKind> = new Map()
  readonly requests: string[] = []
  /** Bytes of parts that were answered. */
  answered = 0
  /** What an abort fault calls. */
  abort: () => void = () => undefined

  /** The bytes under a key as a reader gets them. */
  read(key: string): Buffer | undefined {
    return this.objects.get(key)
  }

  /** What is left of uploads. */
  abstract get left(): string[]

  /** Carries a request out, or commits its fault; `partly` is what a cut one does. */
  protected async request<R>(name: string, ctx: CallContext, apply: () => R, partly?: () => void): Promise<R> {
    const fault = this.faults.get(this.requests.length)
    this.requests.push(name)
    await turn()
    if (fault === undefined) return apply()
    if (fault === 'refused') throw new StorageError('throttled', 'refused')
    if (fault === 'denied') throw new StorageError('permission_denied', 'denied')
    if (fault === 'cut') partly?.()
    if (fault.endsWith('after') || fault === 'lie') apply()
    if (fault === 'lie') throw new StorageError('throttled', 'a lie')
    if (!fault.startsWith('abort') && !fault.startsWith('close')) throw new StorageError('unavailable', fault)
    if (fault.startsWith('abort')) this.abort()
    else void this.uploads.close()
    // Requests of the cleaning live on; what was aborted ends with its signal.
    await turn()
    if (ctx.signal.aborted) throw ctx.signal.reason
    throw new StorageError('unavailable', fault)
  }

  protected store(key: string, body: Bytes): Stat {
    const bytes = body instanceof Uint8Array ? Buffer.from(body) : Buffer.concat(body)
    this.objects.set(key, bytes)
    return { size: bytes.length }
  }
}

interface BlockUpload {
  readonly id: string
  readonly key: string
}

/** Parts in any order, as S3: create, part, complete, abort. */
export class BlockService extends MemoryService implements PartProtocol<BlockUpload, number> {
  readonly limits: PartLimits = { minPart: UNIT, maxParts: 1000 }
  readonly #open = new Map<string, { key: string; parts: Map<number, Buffer> }>()
  #count = 0

  get left(): string[] {
    return [...this.#open.keys()]
  }

  put({ key }: UploadTarget, body: Bytes, ctx: CallContext): Promise<Stat> {
    return this.request('put', ctx, () => this.store(key, body))
  }

  begin({ key }: UploadTarget, ctx: CallContext): Promise<BlockUpload> {
    return this.request('begin', ctx, () => {
      const id = `upload-${++this.#count}`
      this.#open.set(id, { key, parts: new Map() })
      return { id, key }
    })
  }

  async part({ id }: BlockUpload, { number, chunks, size, last }: Piece, ctx: CallContext): Promise<number> {
    await this.request('part', ctx, () => {
      if (size < UNIT && last === false) throw new StorageError('invalid_argument', 'EntityTooSmall')
      this.#found(id).parts.set(number, Buffer.concat(chunks))
    })
    this.answered += size
    return number
  }

  finish({ id, key }: BlockUpload, numbers: readonly number[], ctx: CallContext): Promise<Stat> {
    return this.request('finish', ctx, () => {
      const { parts } = this.#found(id)
      if (numbers.some((number, at) => at > 0 && number <= numbers[at - 1]!)) throw new Error('InvalidPartOrder')
      const stat = this.store(
        key,
        numbers.map(number => parts.get(number)!),
      )
      this.#open.delete(id)
      return stat
    })
  }

  async end({ id }: BlockUpload, _state: unknown, ctx: CallContext): Promise<boolean> {
    await ctx.step('abort', true, step => this.request('end', step, () => this.#open.delete(id)))
    return true
  }

  idOf({ id }: BlockUpload): string {
    return id
  }

  isGone(error: unknown): boolean {
    return isStorageError(error, 'not_found')
  }

  fate(
    { id, key }: BlockUpload,
    parts: readonly number[],
    { error, lost }: FailedFinish,
    ctx: CallContext,
  ): Promise<'open' | 'done' | 'gone'> {
    if (!this.isGone(error) && !lost && !error.retryable) return Promise.resolve('open')
    return ctx.step('ask', true, step =>
      this.request('fate', step, () => {
        if (this.#open.has(id)) return 'open'
        return this.objects.get(key) !== undefined && parts.length > 0 ? 'done' : 'gone'
      }),
    )
  }

  async begun({ key }: UploadTarget, { lost, tries }: Creation, ended: Promise<void>): Promise<void> {
    if (!lost && tries === 1) return
    await ended
    for (const [id, upload] of this.#open) {
      if (upload.key === key && upload.parts.size === 0 && !this.uploads.ids.has(id)) this.#open.delete(id)
    }
  }

  #found(id: string): { parts: Map<number, Buffer> } {
    const upload = this.#open.get(id)
    if (upload === undefined) throw new StorageError('not_found', 'NoSuchUpload')
    return upload
  }
}

interface Session {
  readonly key: string
  bytes: Buffer
  state: 'open' | 'done' | 'ended'
}

/** One stream of bytes in order and in multiples of a unit, whose last one makes the object, as GCS. */
export class SessionService extends MemoryService implements PartProtocol<Session, Stat | undefined> {
  readonly limits: PartLimits = {
    minPart: 1,
    maxParts: Number.POSITIVE_INFINITY,
    align: UNIT,
    sequential: true,
    uniform: true,
  }
  readonly #sessions: Session[] = []

  // A session that nobody uses expires and costs nothing, so lost ones are not looked for.
  get left(): string[] {
    return this.#sessions.filter(({ state, bytes }) => state === 'open' && bytes.length > 0).map(({ key }) => key)
  }

  put({ key }: UploadTarget, body: Bytes, ctx: CallContext): Promise<Stat> {
    return this.request('put', ctx, () => this.store(key, body))
  }

  begin({ key }: UploadTarget, ctx: CallContext): Promise<Session> {
    return this.request('begin', ctx, () => {
      const session: Session = { key, bytes: Buffer.alloc(0), state: 'open' }
      this.#sessions.push(session)
      return session
    })
  }

  async part(session: Session, piece: Piece, ctx: CallContext): Promise<Stat | undefined> {
    const bytes = Buffer.concat(piece.chunks)
    if (bytes.length !== piece.size) throw new Error(`a piece of ${piece.size} bytes has ${bytes.length}`)
    await this.request(
      'part',
      ctx,
      () => this.#append(session, piece, bytes),
      () => this.#append(session, { ...piece, last: false }, bytes.subarray(0, UNIT * (bytes.length > UNIT ? 1 : 0))),
    )
    this.answered = piece.offset + piece.size
    return piece.last === true ? { size: piece.offset + piece.size } : undefined
  }

  finish(_session: Session, parts: ReadonlyArray<Stat | undefined>): Promise<Stat | undefined> {
    return Promise.resolve(parts.at(-1))
  }

  stored(session: Session, ctx: CallContext): Promise<number> {
    return this.request('stored', ctx, () => session.bytes.length)
  }

  async end(session: Session, _state: unknown, ctx: CallContext): Promise<boolean> {
    await ctx.step('delete', true, step =>
      this.request('end', step, () => {
        if (session.state === 'open') session.state = 'ended'
      }),
    )
    return true
  }

  #append(session: Session, { offset, last }: Piece, bytes: Buffer): void {
    if (session.state === 'done' && bytes.length === 0) return
    if (session.state !== 'open' || offset !== session.bytes.length) throw new Error('bytes in a wrong place')
    if (last !== true && bytes.length % UNIT !== 0) throw new Error(`${bytes.length} bytes are no multiple`)
    session.bytes = Buffer.concat([session.bytes, bytes])
    if (last === true) {
      this.store(session.key, session.bytes)
      session.state = 'done'
    }
  }
}

interface Segmented {
  readonly key: string
  readonly prefix: string
}

/** Objects of their own under a prefix and a manifest that refers to them, as Swift: nothing is begun, and the end deletes objects. */
export class SegmentService extends MemoryService implements PartProtocol<Segmented, string> {
  readonly limits: PartLimits = { minPart: 1, maxParts: 1000, uniform: true }
  readonly #segments = new Map<string, Buffer>()
  readonly #manifests = new Map<string, readonly string[]>()
  #count = 0

  override read(key: string): Buffer | undefined {
    const names = this.#manifests.get(key)
    if (names === undefined) return super.read(key)
    return Buffer.concat(names.map(name => this.#segments.get(name) ?? Buffer.from(`(${name} is missing)`)))
  }

  get left(): string[] {
    const used = new Set([...this.#manifests.values()].flat())
    return [...this.#segments.keys()].filter(name => !used.has(name))
  }

  put({ key }: UploadTarget, body: Bytes, ctx: CallContext): Promise<Stat> {
    return this.request('put', ctx, () => this.store(key, body))
  }

  begin({ key }: UploadTarget): Promise<Segmented> {
    return Promise.resolve({ key, prefix: `${key}/${++this.#count}/` })
  }

  async part({ prefix }: Segmented, { number, chunks, size }: Piece, ctx: CallContext): Promise<string> {
    const name = prefix + number
    await this.request('part', ctx, () => void this.#segments.set(name, Buffer.concat(chunks)))
    this.answered += size
    return name
  }

  async finish({ key }: Segmented, names: readonly string[], ctx: CallContext): Promise<undefined> {
    await this.request('finish', ctx, () => void this.#manifests.set(key, names))
  }

  async end({ key, prefix }: Segmented, { mayBeDone }: { mayBeDone: boolean }, ctx: CallContext): Promise<boolean> {
    return ctx.step('delete', true, step =>
      this.request('end', step, () => {
        if (mayBeDone && this.#isOurs(key, prefix)) return true
        for (const name of this.#segments.keys()) if (name.startsWith(prefix)) this.#segments.delete(name)
        return true
      }),
    )
  }

  fate({ key, prefix }: Segmented, _parts: unknown, _failure: unknown, ctx: CallContext): Promise<'open' | 'done'> {
    return ctx.step('ask', true, step =>
      this.request('fate', step, () => (this.#isOurs(key, prefix) ? 'done' : 'open')),
    )
  }

  #isOurs(key: string, prefix: string): boolean {
    return this.#manifests.get(key)?.some(name => name.startsWith(prefix)) === true
  }
}
