import type { Readable } from 'node:stream'
import type { ByteRange, ReadOptions, Stat, StatOptions } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { resumeBody } from '../files/resume.ts'
import type { CallOptions } from './call-runner.ts'
import type { AnyStorage, VersionOptions } from './types.ts'

/** One request for the bytes of a key; the body ends with `aborted` when the signal fires. */
export async function openBody(
  storage: AnyStorage,
  key: string,
  read: ReadOptions,
  options: CallOptions,
): Promise<{ body: Readable; stat?: Stat | undefined }> {
  const { driver } = storage
  const { signal } = options
  const result = await storage.calls.run('read', key, { signal }, ctx => driver.read(key, read, ctx))
  if (signal !== undefined) {
    const end = () => result.body.destroy(new StorageError('aborted', `read '${key}': the call was aborted.`))
    signal.addEventListener('abort', end, { once: true })
    result.body.once('close', () => signal.removeEventListener('abort', end))
    if (signal.aborted) end()
  }
  return result
}

/** A range of the version with this etag: by a condition where the backend has it, else by looking at what came. */
export async function pinnedBody(
  storage: AnyStorage,
  key: string,
  range: ByteRange | undefined,
  version: { readonly etag?: string | undefined; readonly versionId?: string | undefined },
  options: CallOptions,
): Promise<Readable> {
  const { etag, versionId } = version
  const ifMatch = storage.features.ifMatch ? etag : undefined
  const { body, stat } = await openBody(storage, key, { range, ifMatch, versionId }, options)
  if (etag === undefined || stat?.etag === undefined || stat.etag === etag) return body
  body.on('error', () => {}).destroy()
  throw new StorageError('precondition_failed', `read '${key}': the file has changed since it was opened.`, {
    operation: 'read',
    fileName: key,
    backend: storage.driver.name,
  })
}

/** The bytes of a key or of a range of it; a broken body is continued at its offset if the file has an etag that still holds. */
export async function resumableBody(
  storage: AnyStorage,
  key: string,
  range: ByteRange,
  options: VersionOptions,
): Promise<{ body: Readable; stat?: Stat | undefined }> {
  const { versionId } = options
  const { start, end } = range
  const whole = start === 0 && end === undefined
  const first = await openBody(storage, key, { range: whole ? undefined : range, versionId }, options)
  const { stat } = first
  if (stat?.etag === undefined || !storage.features.ranges) return first
  const version = { etag: stat.etag, versionId }
  const again = (offset: number) => pinnedBody(storage, key, { start: start + offset, end }, version, options)
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
