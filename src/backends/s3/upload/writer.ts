import { Readable } from 'node:stream'
import type { CallContext } from '../../../core/call.ts'
import { type Content, contentChunks } from '../../../core/content.ts'
import type { Stat, WriteOptions } from '../../../core/driver.ts'
import { StorageError } from '../../../core/errors.ts'
import type { ChecksumMode } from '../../../remote/checksums.ts'
import { conditionFailed } from '../../../remote/conditions.ts'
import type { PartOptions } from '../../../remote/options.ts'
import type { S3Part } from '../../../remote/part-documents.ts'
import { partPlan } from '../../../remote/part-plan.ts'
import { writeObject } from '../../../remote/part-upload.ts'
import type { ResumablePlan } from '../../../remote/resumable.ts'
import type { S3Client } from '../client.ts'
import { classifyS3 } from '../errors.ts'
import { otherHeaders, writeHeaders } from '../headers.ts'
import { checksumOption } from '../settings/object-parameters.ts'
import type { Preset } from '../settings/presets.ts'
import { Claim } from './claim.ts'
import type { S3Parts, S3Target, S3Upload } from './parts.ts'

/** How objects are written. */
export interface WriterOptions extends PartOptions {
  readonly preset: Preset
  readonly checksum: ChecksumMode
  /** Minimum size in bytes of every part but the last. Default: 5 MiB. */
  readonly minPartSize?: number | undefined
}

const MAX_PUT = 5 * 1024 ** 3

/** Writes objects: small ones with one request, large ones and ones of unknown length in parts. */
export class Writer {
  readonly #client: S3Client
  readonly #parts: S3Parts
  readonly #options: WriterOptions

  constructor(client: S3Client, parts: S3Parts, options: WriterOptions) {
    this.#client = client
    this.#parts = parts
    this.#options = options
  }

  /** Writes all or nothing; `conditions` are those of the options in the form of the service. */
  async write(
    key: string,
    content: Content,
    options: WriteOptions,
    conditions: Readonly<Record<string, string>>,
    ctx: CallContext,
  ): Promise<Stat | undefined> {
    const { multipartThreshold } = this.#options
    const { size } = content
    const { target, plan, failed } = this.plan(key, options, conditions)
    try {
      if (target.putOnly === true && size !== undefined && size > multipartThreshold) {
        return await this.#putStream(target, content, size, ctx)
      }
      return await writeObject(this.#parts, target, content, plan, ctx)
    } catch (error) {
      throw await failed(error, ctx)
    }
  }

  /** How a key is written in parts; `failed` removes the claim of a failed write. */
  plan(
    key: string,
    options: WriteOptions,
    conditions: Readonly<Record<string, string>>,
  ): ResumablePlan<S3Upload, S3Part, S3Target> & { failed(error: unknown, ctx: CallContext): Promise<unknown> } {
    const { preset } = this.#options
    const putOnly = options.ifMatch !== undefined && !preset.conditionalComplete
    const claim = options.ifAbsent === true && !preset.conditionalComplete ? this.claim(key, options) : undefined
    const finishing = claim === undefined ? conditions : {}
    const target: S3Target = {
      ...this.#targetOf(key, options),
      conditions: { put: conditions, complete: finishing },
      putOnly,
    }
    const under = { put: conditions, finish: finishing }
    const plan = partPlan(this.#parts.uploads, this.#options, under, claim && (inner => claim.take(inner)))
    const failed = async (error: unknown, ctx: CallContext): Promise<unknown> => {
      if (claim !== undefined) await this.#parts.uploads.keep(claim.release(ctx))
      return conditionFailed(error, options, classifyS3)
    }
    return { protocol: this.#parts, target, plan, failed }
  }

  /** A claim of a key, for an object that unconditional requests will write. */
  claim(key: string, options: WriteOptions): Claim {
    const { headers, baseHeaders } = this.#targetOf(key, options)
    const readHeaders = otherHeaders('read', options.objectParameters, options.extra)
    return new Claim(this.#client, key, { headers, readHeaders, baseHeaders, checksum: this.#options.checksum })
  }

  #targetOf(key: string, options: WriteOptions): Omit<S3Target, 'conditions'> {
    const parameters = options.objectParameters ?? {}
    return {
      key,
      options,
      checksum: checksumOption(options.extra) ?? checksumOption(parameters) ?? this.#options.checksum,
      headers: writeHeaders(parameters, options),
      partHeaders: otherHeaders('part', parameters, options.extra),
      baseHeaders: otherHeaders('base', parameters, options.extra),
    }
  }

  /** Sends a conditional write that cannot go in parts, because their completion would ignore the condition. */
  async #putStream(target: S3Target, content: Content, size: number, ctx: CallContext): Promise<undefined> {
    if (size > MAX_PUT) {
      throw new StorageError('unsupported', 'This service honours ifMatch only for uploads of at most 5 GiB.')
    }
    const headers = { ...target.headers, ...target.conditions.put, 'content-length': String(size) }
    const body = Readable.from(contentChunks(content, ctx, target.options.onProgress), { objectMode: false })
    await this.#client.done({ method: 'PUT', key: target.key, headers, body }, ctx)
  }
}
