import { release } from '../core/abort.ts'
import { attributesOf } from '../core/attributes.ts'
import type { CallOptions, FileRef } from '../core/call.ts'
import type { ByteRange, ExpectedHash, ReadResult, ReadStat, StatOptions } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import { isWeakEtag, strongEtag } from '../core/etags.ts'
import { ResumedBody } from '../files/resume.ts'
import type { AnyBase } from './base.ts'
import { expectedIn, withKeptDigest } from './kept-digest.ts'
import type { NameOrEntry, VersionOptions } from './types.ts'

/** The version of a file to read, as far as it is known; without any value it is the newest version. */
export interface Version extends Pick<ReadStat, 'etag' | 'size' | 'modifiedAt'> {
  readonly versionId?: string | undefined
}

/** The bytes of a file or of a range of it, and the attributes in the answer. */
export interface Reading {
  readonly body: ResumedBody
  readonly stat: ReadStat | undefined
  /** The hash that the bytes of the whole file must have, where the answer contains it. */
  readonly whole: ExpectedHash | undefined
  /** Whether further requests for the same version may return more of its bytes. */
  readonly continues: boolean
}

/**
 * Reads one version of a file, or a range of it. Another version is `precondition_failed`. A body that breaks is continued where the answer
 * has a strong etag, since nothing else proves that the bytes belong together (RFC 9110, section 15.3.7.3), or where the driver states that
 * it has only size and time to compare.
 */
export async function readVersion(
  storage: AnyBase,
  ref: FileRef,
  range: ByteRange | undefined,
  version: Version,
  options: CallOptions,
): Promise<Reading> {
  const { features } = storage
  const { driver } = storage.calls
  const { signal } = options
  const result = await requested(storage, ref, range, version, options)
  const { body, stat, continues = false } = result
  const whole = expectedIn(result)
  const { start = 0, end } = range ?? {}
  const { etag, size, modifiedAt } = stat ?? {}
  const isKnown = strongEtag(etag) !== undefined
  const again = async (offset: number) => {
    const rest = { start: start + offset, end }
    const same = isKnown ? { ...version, etag, size } : { ...version, etag, size, modifiedAt }
    return (await requested(storage, ref, rest, same, options)).body
  }
  const isContinued = features.ranges && (isKnown || continues) && size !== undefined
  const resumed = new ResumedBody(body, {
    again: features.ranges && (isKnown || (continues && size !== undefined)) ? again : undefined,
    length: size === undefined ? undefined : Math.max(0, Math.min(end ?? size, size) - start),
    expected: range === undefined ? whole : undefined,
    signal,
    details: { operation: 'read', fileName: ref.name, backend: driver.name },
    classify: error => driver.classify(error),
  })
  return { body: resumed, stat, whole, continues: isContinued }
}

/** Requests a range of one version: with a condition where the backend supports one, and by comparing the answer. */
async function requested(
  storage: AnyBase,
  ref: FileRef,
  range: ByteRange | undefined,
  version: Version,
  { signal }: CallOptions,
): Promise<ReadResult> {
  const { features } = storage
  const { driver } = storage.calls
  const ifMatch = features.ifMatch ? strongEtag(version.etag) : undefined
  const read = { range, ifMatch, versionId: version.versionId, objectParameters: ref.objectParameters }
  const answer = await storage.calls.run('read', ref, { signal, range }, ctx => driver.read(ref.key, read, ctx))
  const result = { ...answer, stat: answer.stat && withKeptDigest(answer.stat) }
  if (isSameVersion(version, result.stat)) return result
  release(result)
  throw new StorageError('precondition_failed', `read '${ref.name}': the file has changed since it was opened.`, {
    operation: 'read',
    fileName: ref.name,
    backend: driver.name,
  })
}

/** Whether an answer is about the version. A driver that reports no attributes of what it reads is trusted. */
function isSameVersion(wanted: Version, found: ReadStat | undefined): boolean {
  const { etag, size, modifiedAt } = wanted
  if (found === undefined) return true
  if (etag !== undefined && found.etag !== etag) return false
  if (size !== undefined && found.size !== undefined && found.size !== size) return false
  // A weak etag may stay the same when the bytes change.
  if (etag !== undefined && !isWeakEtag(etag)) return true
  return modifiedAt === undefined || found.modifiedAt === undefined || +modifiedAt === +found.modifiedAt
}

/** Returns the attributes that a read reported, completed by a `stat` where a read does not report all of them. */
export async function withAttributes(
  storage: AnyBase,
  file: NameOrEntry,
  stat: ReadStat,
  { signal }: CallOptions,
): Promise<ReadStat> {
  return stat.isBrief === true ? { ...stat, ...attributesOf(await storage.stat(file, { signal })) } : stat
}

/** Returns the requested version; `unsupported` where the backend keeps only the newest one. */
export function versionOf(storage: AnyBase, name: string, { versionId }: VersionOptions): StatOptions {
  if (versionId === undefined) return {}
  if (storage.features.versions === true) return { versionId }
  throw new StorageError('unsupported', `${storage.constructor.name} keeps no versions of '${name}'.`, {
    fileName: name,
    backend: storage.calls.driver.name,
  })
}
