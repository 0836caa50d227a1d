import { type BigIntStats, fstatSync } from 'node:fs'
import { type FileHandle, lstat, unlink } from 'node:fs/promises'
import type { CallContext } from '../../core/call.ts'
import type { FileAttributes, Stat, WriteOptions } from '../../core/driver.ts'
import { isUncertain, unless, withKnownOutcome } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { publish } from './atomic-write.ts'
import { descriptors } from './descriptors.ts'
import { distinctTime } from './distinct-time.ts'
import type { Place } from './place.ts'
import { guessedAttributes, keptAttributes, removeSidecar, writeSidecar } from './sidecar.ts'
import { statOf } from './stat.ts'
import type { FileMode, Temporary } from './temporary.ts'

/** How files are written, from the storage's options. */
export interface WritePolicy extends FileMode {
  readonly keepMetadata: boolean
  readonly fsync: boolean
}

/** Permission bits that a file passes to its replacement; not the bits that run it with other rights. (chmod(2)) */
const MODE_BITS = 0o777

/** Interval in milliseconds in which a running system operation counts as progress. */
const BEAT_MS = 500

/**
 * Sets the mode and the time of a complete temporary file, makes it durable, closes it, and publishes it with its attributes. The handle is
 * always closed; after a failure the caller must remove the temporary file.
 */
export async function publishTemporary(
  temporary: Temporary,
  target: Place,
  options: WriteOptions,
  policy: WritePolicy,
  ctx: CallContext,
): Promise<Stat> {
  const { handle, path } = temporary
  let stats: BigIntStats
  try {
    await setModeAndTime(handle, policy)
    if (policy.fsync) await beating(handle.sync(), ctx)
    // The system has just set these values, so the call returns without waiting for a disk or a server.
    stats = fstatSync(handle.fd, { bigint: true })
    await handle.close()
  } catch (error) {
    await handle.close().catch(() => undefined)
    throw withKnownOutcome(error, 'not_applied')
  }
  ctx.signal.throwIfAborted()
  // The content may not be readable again, so only this step waits for descriptors.
  return descriptors.run(ctx, () => publishFile(path, stats, target, options, policy), { holds: true })
}

/** The policy for a place: a file that replaces another one gets its permission bits. */
export async function policyFor(place: Place, { ifAbsent }: WriteOptions, policy: WritePolicy): Promise<WritePolicy> {
  if (ifAbsent === true) return policy
  const old = await unless(['ENOENT'], lstat(place.path))
  return old?.isFile() ? { ...policy, filePermissionsMode: old.mode & MODE_BITS } : policy
}

/** The same for a file that is open. */
export function policyLike({ mode }: BigIntStats, policy: WritePolicy): WritePolicy {
  return { ...policy, filePermissionsMode: Number(mode) & MODE_BITS }
}

/** Sets both in parallel, which saves a turn of the event loop; both have ended when this fails. */
async function setModeAndTime(handle: FileHandle, { filePermissionsMode: mode }: WritePolicy): Promise<void> {
  const now = distinctTime()
  const moded = mode === null ? undefined : handle.chmod(mode)
  const results = await Promise.allSettled([moded, handle.utimes(now, now)])
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** Publishes a complete and closed file with its attributes; `stats` are those of the file. */
export async function publishFile(
  source: string,
  stats: BigIntStats,
  target: Place,
  options: WriteOptions,
  policy: WritePolicy,
): Promise<Stat> {
  let attributes: FileAttributes = guessedAttributes(target.base)
  if (policy.keepMetadata) {
    attributes = keptAttributes(target.base, options)
    await publishWithSidecar(source, stats, target, attributes, options, policy)
  } else {
    await publish(source, target, options).catch(maybeDone)
  }
  if (policy.fsync) await syncPublished(target)
  return statOf(stats, attributes)
}

async function publishWithSidecar(
  source: string,
  stats: BigIntStats,
  target: Place,
  attributes: FileAttributes,
  options: WriteOptions,
  policy: WritePolicy,
): Promise<void> {
  const sidecar = await writeSidecar(target, stats, attributes, policy)
  let old: BigIntStats | undefined
  try {
    old = await unless(['ENOENT'], lstat(target.path, { bigint: true }))
    await publish(source, target, options).catch(maybeDone)
  } catch (error) {
    if (sidecar !== undefined) await unlink(sidecar).catch(() => undefined)
    throw error
  }
  const sameVersion = old !== undefined && old.mtimeNs === stats.mtimeNs && old.size === stats.size
  if (old !== undefined && !sameVersion) await removeSidecar(target, old)
}

/** Makes changes in a folder durable. An error states that the changes were made. */
export async function syncPublished({ anchor }: Place): Promise<void> {
  await anchor.sync().catch(cause => {
    throw new StorageError('unknown', 'The change was made, but its folder could not be made durable.', {
      cause,
      outcome: 'applied',
    })
  })
}

/** The failure of the publishing step: its outcome must not count as not applied. */
function maybeDone(error: unknown): never {
  throw isUncertain(error) ? withKnownOutcome(error, 'unknown') : error
}

/** Runs a system operation that reports no progress: while it runs, the call counts as making progress. */
export async function beating<T>(work: Promise<T>, ctx: CallContext): Promise<T> {
  const timer = setInterval(() => ctx.progress(), BEAT_MS)
  try {
    return await work
  } finally {
    clearInterval(timer)
  }
}
