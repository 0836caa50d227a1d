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

/** How files are put down, from the storage's options. */
export interface WritePolicy extends FileMode {
  readonly keepMetadata: boolean
  readonly fsync: boolean
}

/** Permission bits that a file hands on to the one that replaces it; those that run it with other rights are not. (chmod(2)) */
const MODE_BITS = 0o777

/** How often work of the system counts as progress, in milliseconds. */
const BEAT_MS = 500

/**
 * Gives a complete temporary file its mode and a time of its own, makes it durable, closes it and publishes it with its attributes.
 * The handle is closed in every case; on failure the temporary file is left to the caller.
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
    // The system has just set what is asked for, and answers without waiting for a disk or a server.
    stats = fstatSync(handle.fd, { bigint: true })
    await handle.close()
  } catch (error) {
    await handle.close().catch(() => undefined)
    throw withKnownOutcome(error, 'not_applied')
  }
  ctx.signal.throwIfAborted()
  // The content may be one that cannot be read again, so only this step waits for descriptors.
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

/** Both at once, which saves a turn of the event loop; neither is under way any more when this fails. */
async function setModeAndTime(handle: FileHandle, { filePermissionsMode: mode }: WritePolicy): Promise<void> {
  const now = distinctTime()
  const moded = mode === null ? undefined : handle.chmod(mode)
  const results = await Promise.allSettled([moded, handle.utimes(now, now)])
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** Publishes a complete and closed file with its attributes; `stats` are its own. */
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

/** Makes durable what was done in a folder. A failure says that it was done. */
export async function syncPublished({ anchor }: Place): Promise<void> {
  await anchor.sync().catch(cause => {
    throw new StorageError('unknown', 'The change was made, but its folder could not be made durable.', {
      cause,
      outcome: 'applied',
    })
  })
}

/** The failure of the step that publishes: what may have been done must not count as not done. */
function maybeDone(error: unknown): never {
  throw isUncertain(error) ? withKnownOutcome(error, 'unknown') : error
}

/** Work of the system that tells no progress of its own: as long as it is under way the call is not dead. */
export async function beating<T>(work: Promise<T>, ctx: CallContext): Promise<T> {
  const timer = setInterval(() => ctx.progress(), BEAT_MS)
  try {
    return await work
  } finally {
    clearInterval(timer)
  }
}
