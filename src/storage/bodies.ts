import type { Readable } from 'node:stream'
import { release } from '../core/abort.ts'
import { readBytes } from '../core/body.ts'
import type { CallOptions, FileRef } from '../core/call.ts'
import type { ByteRange, ReadResult, Stat, StatOptions } from '../core/driver.ts'
import { abortedError, type ErrorDetails, StorageError } from '../core/errors.ts'
import { type ResumeOptions, resumeBody, resumeBytes } from '../files/resume.ts'
import type { AnyBase } from './base.ts'
import type { VersionOptions } from './types.ts'

/** Which version of a file is read: the newest where nothing is told. */
export interface Version {
  readonly etag?: string | undefined
  readonly versionId?: string | undefined
}

/** A range of one version: by a condition where the backend has it, else by looking at what came. */
export async function pinnedBody(
  storage: AnyBase,
  ref: FileRef,
  range: ByteRange | undefined,
  version: Version,
  options: CallOptions,
): Promise<ReadResult> {
  const { etag, versionId } = version
  const { driver, features } = storage
  const { signal } = options
  const read = {
    range,
    ifMatch: features.ifMatch ? etag : undefined,
    versionId,
    objectParameters: ref.objectParameters,
  }
  const result = await storage.calls.run('read', ref, { signal }, ctx => driver.read(ref.key, read, ctx))
  const { stat } = result
  if (signal !== undefined)
    endWith(signal, result.body.stream(), { operation: 'read', fileName: ref.name, backend: driver.name })
  if (etag === undefined || stat?.etag === undefined || stat.etag === etag) return result
  release(result)
  throw new StorageError('precondition_failed', `read '${ref.name}': the file has changed since it was opened.`, {
    operation: 'read',
    fileName: ref.name,
    backend: driver.name,
  })
}

/** Ends a body with `aborted` when the signal fires. */
function endWith(signal: AbortSignal, body: Readable, details: ErrorDetails): void {
  const end = () => body.destroy(abortedError(details, signal.reason))
  signal.addEventListener('abort', end, { once: true })
  body.once('close', () => signal.removeEventListener('abort', end))
  if (signal.aborted) end()
}

/** A body to be taken once, as a stream or all at once; continued at its offset where it can be asked for again. */
export class ResumableBody {
  readonly #first: ReadResult
  readonly #again: ((offset: number) => Promise<Readable>) | undefined
  readonly #options: ResumeOptions

  constructor(
    first: ReadResult,
    again?: ((offset: number) => Promise<Readable>) | undefined,
    options: ResumeOptions = {},
  ) {
    this.#first = first
    this.#again = again
    this.#options = options
  }

  get stat(): Stat | undefined {
    return this.#first.stat
  }

  /** The bytes as they come. */
  stream(): Readable {
    const body = this.#first.body.stream()
    return this.#again === undefined ? body : resumeBody(this.#again, body, this.#options)
  }

  /** All of them. */
  bytes(): Promise<Buffer> {
    if (this.#again === undefined) return readBytes(this.#first)
    return resumeBytes(this.#again, this.#first, this.#options)
  }
}

/** A range of one version whose body is continued when it breaks, if the file has an etag that still holds. */
export async function resumableBody(
  storage: AnyBase,
  ref: FileRef,
  range: ByteRange | undefined,
  version: Version,
  options: CallOptions,
): Promise<ResumableBody> {
  const first = await pinnedBody(storage, ref, range, version, options)
  const { stat } = first
  if (stat?.etag === undefined || !storage.features.ranges) return new ResumableBody(first)
  const { start = 0, end } = range ?? {}
  const same = { ...version, etag: stat.etag }
  const again = async (offset: number) =>
    (await pinnedBody(storage, ref, { start: start + offset, end }, same, options)).body.stream()
  const length = Math.min(end ?? stat.size, stat.size) - start
  return new ResumableBody(first, again, { length, classify: error => storage.driver.classify(error) })
}

/** The version asked for; `unsupported` where the backend keeps only the newest. */
export function versionOf(storage: AnyBase, name: string, { versionId }: VersionOptions): StatOptions {
  if (versionId === undefined) return {}
  if (storage.features.versions === true) return { versionId }
  throw new StorageError('unsupported', `${storage.constructor.name} keeps no versions of '${name}'.`, {
    fileName: name,
    backend: storage.driver.name,
  })
}
