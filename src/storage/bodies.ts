import type { ByteRange, CallOptions, ReadOptions, ReadResult, StatOptions } from '../core/driver.ts'
import { abortedError, StorageError } from '../core/errors.ts'
import { resumeBody } from '../files/resume.ts'
import type { AnyStorage, VersionOptions } from './types.ts'

/** Which version of a file is read: the newest where nothing is told. */
export interface Version {
  readonly etag?: string | undefined
  readonly versionId?: string | undefined
}

/** One request for the bytes of a key; the body ends with `aborted` when the signal fires. */
async function openBody(
  storage: AnyStorage,
  key: string,
  read: ReadOptions,
  options: CallOptions,
): Promise<ReadResult> {
  const { driver } = storage
  const { signal } = options
  const result = await storage.calls.run('read', key, { signal }, ctx => driver.read(key, read, ctx))
  if (signal !== undefined) {
    const { body } = result
    const details = { operation: 'read', fileName: key, backend: driver.name }
    const end = () => body.destroy(abortedError(details, signal.reason))
    signal.addEventListener('abort', end, { once: true })
    body.once('close', () => signal.removeEventListener('abort', end))
    if (signal.aborted) end()
  }
  return result
}

/** A range of one version: by a condition where the backend has it, else by looking at what came. */
export async function pinnedBody(
  storage: AnyStorage,
  key: string,
  range: ByteRange | undefined,
  version: Version,
  options: CallOptions,
): Promise<ReadResult> {
  const { etag, versionId } = version
  const ifMatch = storage.features.ifMatch ? etag : undefined
  const result = await openBody(storage, key, { range, ifMatch, versionId }, options)
  const { body, stat } = result
  if (etag === undefined || stat?.etag === undefined || stat.etag === etag) return result
  body.on('error', () => {}).destroy()
  throw new StorageError('precondition_failed', `read '${key}': the file has changed since it was opened.`, {
    operation: 'read',
    fileName: key,
    backend: storage.driver.name,
  })
}

/** The same, and a broken body is continued at its offset if the file has an etag that still holds. */
export async function resumableBody(
  storage: AnyStorage,
  key: string,
  range: ByteRange | undefined,
  version: Version,
  options: CallOptions,
): Promise<ReadResult> {
  const first = await pinnedBody(storage, key, range, version, options)
  const { stat } = first
  if (stat?.etag === undefined || !storage.features.ranges) return first
  const { start = 0, end } = range ?? {}
  const same = { ...version, etag: stat.etag }
  const again = async (offset: number) =>
    (await pinnedBody(storage, key, { start: start + offset, end }, same, options)).body
  const length = Math.min(end ?? stat.size, stat.size) - start
  return { body: resumeBody(again, first.body, { length, classify: error => storage.driver.classify(error) }), stat }
}

/** The version asked for; `unsupported` where the backend keeps only the newest. */
export function versionOf(storage: AnyStorage, name: string, { versionId }: VersionOptions): StatOptions {
  if (versionId === undefined) return {}
  if (storage.features.versions === true) return { versionId }
  throw new StorageError('unsupported', `${storage.constructor.name} keeps no versions of '${name}'.`, {
    fileName: name,
    backend: storage.driver.name,
  })
}
