import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type { ReadOptions, Stat, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { OpenUploads } from '../../remote/open-uploads.ts'
import type { PartOptions } from '../../remote/options.ts'
import { type PartPlan, partPlan } from '../../remote/part-plan.ts'
import { writeObject } from '../../remote/part-upload.ts'
import type { ResumablePlan } from '../../remote/resumable.ts'
import { smallFile } from '../../remote/small-file.ts'
import type { SwiftClient } from './client.ts'
import { allHeaders, changeObject, changesNothing, copyObject, isLarge } from './copying.ts'
import { CREATE, CreateCondition } from './create-condition.ts'
import { classifySwift } from './errors.ts'
import { statOf, writeHeaders } from './headers.ts'
import type { ClusterInfo } from './info.ts'
import type { SwiftSegment } from './manifests.ts'
import { checkKey } from './names.ts'
import { SwiftParts, type SwiftTarget, type SwiftUpload } from './parts.ts'
import { readStored } from './reading.ts'
import { Replaced } from './replaced.ts'
import type { Segments } from './segments.ts'
import { writeStream } from './stream.ts'

/** How large objects are made: `auto` = in the way that the cluster supports, `none` = not at all. */
export type LargeObjects = 'auto' | 'slo' | 'dlo' | 'none'

/** Options of writes. */
export interface WritesOptions extends PartOptions {
  readonly container: string
  readonly largeObjects: LargeObjects
  readonly leaveSegments: boolean
  /** Milliseconds without progress after which a dynamic large object with a wrong size fails. Default: one minute. */
  readonly settleMs?: number | undefined
  /** Milliseconds in which a request that was given up may arrive. Default: two seconds. */
  readonly lateMs?: number | undefined
}

/** The objects that writes need. */
export interface WriteTools {
  readonly client: SwiftClient
  readonly info: ClusterInfo
  readonly segments: Segments
}

const GIB = 1024 ** 3
const SETTLE_MS = 60_000
const LATE_MS = 2000
/** Requests the newest replica, which a copy by the cluster also takes. */
const NEWEST = { 'x-newest': 'true' } as const
/** Size in bytes that every cluster accepts in one object. */
const SURE_SIZE = 1024 * 1024

/** Writes and copies of the files of one container, with what they replace. */
export class Writes {
  readonly #tools: WriteTools
  readonly #options: WritesOptions
  readonly #uploads: OpenUploads = new OpenUploads()
  readonly #condition: CreateCondition

  constructor(tools: WriteTools, options: WritesOptions) {
    this.#tools = tools
    this.#options = options
    this.#condition = new CreateCondition(tools.client, options.container)
  }

  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    ctx.signal.throwIfAborted()
    checkKey(key)
    // A later try may meet what an earlier one stored.
    const target = this.#targetOf(key, options, options.isNew === true && ctx.attempt === 1)
    const { bytes } = content
    const { threshold, isSmall, parts } = await this.#sizing(bytes?.byteLength ?? content.size, ctx)
    const isStream = this.#options.largeObjects === 'none' && bytes === undefined && !isSmall
    return await this.#replacing(target, ctx, () =>
      isStream
        ? writeStream(this.#tools.client, this.#options.container, target, content, ctx)
        : writeObject(parts, target, content, this.#planOf(target, threshold), ctx),
    )
  }

  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    checkKey(to)
    const isNew = options.isNew === true
    if (isNew && from !== to && (await this.#condition.isHonoured(to, ctx))) {
      const stat = await this.#copySmall(from, to, options, ctx)
      if (stat !== undefined) return stat
    }
    const source = await this.#tools.segments.find(from, ctx)
    if (source === undefined) throw new StorageError('not_found', `There is no '${from}'.`, { status: 404 })
    if (isNew && from === to) throw new StorageError('exists', 'The key is taken.')
    if (from === to && changesNothing(options)) return statOf(source.headers)
    const { container, partSize } = this.#options
    const target = this.#targetOf(to, options, isNew)
    const parts = await this.#parts(ctx)
    const most = Math.min(isLarge(source) ? partSize : GIB, parts.limits.maxPart ?? GIB)
    // Before parts are copied for nothing; a small object is looked for just before its one request.
    if (isNew && statOf(source.headers).size > most) await this.#targetOf(to, options, true).replaced.look(ctx)
    const tools = { client: this.#tools.client, parts, plan: this.#planOf(target, 0), container, most }
    if (from === to) await changeObject(tools, this.#tools.segments, source, { from, to, options }, ctx)
    else await this.#replacing(target, ctx, () => copyObject(tools, source, { from, to, options }, target, ctx))
    return undefined
  }

  /**
   * Reads a small file and sends it again with `If-None-Match: *`: two requests. A copy by the cluster would apply that condition to its source. Returns
   * undefined for a larger file.
   */
  async #copySmall(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    const { client } = this.#tools
    const { container, multipartThreshold } = this.#options
    let headers: IncomingHttpHeaders = {}
    const seen = (told: IncomingHttpHeaders): void => {
      headers = told
    }
    const source = {
      read: (key: string, read: ReadOptions, step: CallContext) =>
        readStored(client, { container, key }, read, step, { asked: NEWEST, seen }),
      classify: classifySwift,
    }
    const { bytes } = await smallFile(source, from, {}, Math.min(multipartThreshold, SURE_SIZE), ctx)
    if (bytes === undefined) return undefined
    const target = { ...this.#targetOf(to, options, true), headers: allHeaders({ headers }, options, false) }
    return await this.#replacing(target, ctx, () => this.#partsOf('slo').put(target, bytes, ctx))
  }

  /** How a key is written in parts that another process can continue. */
  async plan(
    key: string,
    options: WriteOptions,
    ctx: CallContext,
  ): Promise<ResumablePlan<SwiftUpload, SwiftSegment, SwiftTarget>> {
    checkKey(key)
    if (this.#options.largeObjects === 'none') {
      throw new StorageError('unsupported', 'SWIFT_LARGE_OBJECTS is none: there are no uploads in parts.')
    }
    const target = this.#targetOf(key, options, options.isNew === true && ctx.attempt === 1)
    const finished = (step: CallContext): Promise<void> => this.#uploads.keep(target.replaced.discard(step))
    const plan = this.#planOf(target, 0)
    return { protocol: await this.#parts(ctx), target, plan, finished, failed: error => takenError(target, error) }
  }

  /** Ends the uploads in progress and waits until they are removed. */
  close(): Promise<void> {
    return this.#uploads.close()
  }

  /** What is written, and whether the key must be free. */
  #targetOf(key: string, options: WriteOptions, isNew: boolean): SwiftTarget {
    const { objectParameters = {}, ifAbsent, ifMatch } = options
    if (ifAbsent === true || ifMatch !== undefined) {
      throw new StorageError('unsupported', 'Swift does not honour conditions of writes.')
    }
    const replaced = new Replaced(this.#tools.segments, key, { isNew, leaveSegments: this.#options.leaveSegments })
    const conditions: Readonly<Record<string, string>> = isNew ? CREATE : {}
    return { key, options, headers: writeHeaders(objectParameters, options), conditions, replaced }
  }

  #planOf({ conditions, replaced }: SwiftTarget, multipartThreshold: number): PartPlan {
    const look = (ctx: CallContext): Promise<void> => replaced.look(ctx)
    const options = { ...this.#options, multipartThreshold }
    return partPlan(this.#uploads, options, { put: conditions, finish: {} }, look)
  }

  /** How content of this size is written. A size that is small enough for every cluster needs no request. */
  async #sizing(size: number | undefined, ctx: CallContext) {
    const { largeObjects, multipartThreshold } = this.#options
    const isSure = (size ?? Number.POSITIVE_INFINITY) <= Math.min(multipartThreshold, SURE_SIZE)
    if (largeObjects === 'none' || isSure) {
      const threshold = largeObjects === 'none' ? Number.POSITIVE_INFINITY : multipartThreshold
      return { threshold, isSmall: size !== undefined && size <= multipartThreshold, parts: this.#partsOf('slo') }
    }
    const parts = await this.#parts(ctx)
    return {
      threshold: Math.min(multipartThreshold, parts.limits.maxPart ?? multipartThreshold),
      isSmall: false,
      parts,
    }
  }

  /** Runs a write, then deletes the segments of what it replaced. */
  async #replacing<T>(target: SwiftTarget, ctx: CallContext, work: () => Promise<T>): Promise<T> {
    let result: T
    try {
      result = await work()
    } catch (error) {
      throw takenError(target, error)
    }
    await this.#uploads.keep(target.replaced.discard(ctx))
    return result
  }

  async #parts(ctx: CallContext): Promise<SwiftParts> {
    const { largeObjects } = this.#options
    const { slo } = await this.#tools.info.get(ctx)
    if (largeObjects === 'slo' || largeObjects === 'dlo') return this.#partsOf(largeObjects)
    return this.#partsOf(slo === undefined ? 'dlo' : 'slo')
  }

  #partsOf(kind: 'slo' | 'dlo'): SwiftParts {
    const { container, settleMs = SETTLE_MS, lateMs = LATE_MS } = this.#options
    const later = (work: Promise<unknown>): void => void this.#uploads.keep(work)
    const options = { container, kind, info: this.#tools.info.known, settleMs, lateMs, later }
    return new SwiftParts(this.#tools.client, this.#tools.segments, options)
  }
}

/** The error of a write to a key that had to be free. */
function takenError({ conditions }: SwiftTarget, error: unknown): unknown {
  if (conditions['if-none-match'] === undefined || classifySwift(error) !== 'precondition_failed') return error
  return new StorageError('exists', 'The key is taken.', { cause: error, status: 412 })
}
