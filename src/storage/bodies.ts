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

/** Which version of a file is read, by what is known of it: the newest where nothing is. */
export interface Version extends Pick<ReadStat, 'etag' | 'size' | 'modifiedAt'> {
  readonly versionId?: string | undefined
}

/** The bytes of a file or of a range of it, and what the answer tells of the file. */
export interface Reading {
  readonly body: ResumedBody
  readonly stat: ReadStat | undefined
  /** The hash that the bytes of the whole file must have, where the answer tells it. */
  readonly whole: ExpectedHash | undefined
  /** Whether other requests for the same version may bring more of its bytes. */
  readonly continues: boolean
}

/**
 * Reads a range of one version of a file, or all of it; another version is `precondition_failed`. A body that breaks is continued where the
 * answer has a strong etag, since nothing else proves that the bytes belong together (RFC 9110, section 15.3.7.3), or where the driver says that size and time
 * are all there is.
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

/** Asks for a range of one version: with a condition where the backend has it, and by looking at what came. */
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

/** Whether an answer is about the version. A driver that tells nothing of what it reads has its word taken for it. */
function isSameVersion(wanted: Version, found: ReadStat | undefined): boolean {
  const { etag, size, modifiedAt } = wanted
  if (found === undefined) return true
  if (etag !== undefined && found.etag !== etag) return false
  if (size !== undefined && found.size !== undefined && found.size !== size) return false
  // A weak etag may stay when the bytes change.
  if (etag !== undefined && !isWeakEtag(etag)) return true
  return modifiedAt === undefined || found.modifiedAt === undefined || +modifiedAt === +found.modifiedAt
}

/** What a read told of a file, with the attributes that only `stat` tells where that is so. */
export async function withAttributes(
  storage: AnyBase,
  file: NameOrEntry,
  stat: ReadStat,
  { signal }: CallOptions,
): Promise<ReadStat> {
  return stat.isBrief === true ? { ...stat, ...attributesOf(await storage.stat(file, { signal })) } : stat
}

/** The version asked for; `unsupported` where the backend keeps only the newest. */
export function versionOf(storage: AnyBase, name: string, { versionId }: VersionOptions): StatOptions {
  if (versionId === undefined) return {}
  if (storage.features.versions === true) return { versionId }
  throw new StorageError('unsupported', `${storage.constructor.name} keeps no versions of '${name}'.`, {
    fileName: name,
    backend: storage.calls.driver.name,
  })
}
