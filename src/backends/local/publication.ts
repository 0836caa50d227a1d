import type { BigIntStats } from 'node:fs'
import { type FileHandle, lstat, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallContext, FileAttributes, Stat, WriteOptions } from '../../core/driver.ts'
import { unless } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { publish, syncFolder } from './atomic-write.ts'
import { distinctTime } from './distinct-time.ts'
import { temporaryName } from './hidden.ts'
import type { Place } from './paths.ts'
import { guessedAttributes, keptAttributes, removeSidecar, writeSidecar } from './sidecar.ts'
import { statOf } from './stat.ts'

/** How files are put down, from the storage's options. */
export interface WritePolicy {
  readonly filePermissionsMode: number | null
  readonly keepMetadata: boolean
  readonly fsync: boolean
}

/** A temporary file beside its target. */
export interface Temporary {
  readonly handle: FileHandle
  readonly path: string
}

/** How often work of the system counts as progress, in milliseconds. */
const BEAT_MS = 500

/** Opens a new temporary file beside a target, readable and writable; nobody else may read it before it is published. */
async function openTemporary(folder: string, policy: WritePolicy): Promise<Temporary> {
  const path = join(folder, temporaryName())
  const handle = await open(path, 'wx+', policy.filePermissionsMode === null ? 0o666 : 0o600)
  return { handle, path }
}

/** Closes and removes a temporary file. Never fails. */
export async function dropTemporary(temporary: Temporary): Promise<void> {
  await temporary.handle.close().catch(() => undefined)
  await unlink(temporary.path).catch(() => undefined)
}

/** Work on a temporary file that is to be published by it; what fails leaves nothing. */
export async function withTemporary<T>(
  folder: string,
  policy: WritePolicy,
  work: (temporary: Temporary) => Promise<T>,
): Promise<T> {
  const temporary = await openTemporary(folder, policy)
  try {
    return await work(temporary)
  } catch (error) {
    await dropTemporary(temporary)
    throw error
  }
}

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
    if (policy.filePermissionsMode !== null) await handle.chmod(policy.filePermissionsMode)
    const now = distinctTime()
    await handle.utimes(now, now)
    if (policy.fsync) await beating(handle.sync(), ctx)
    stats = await handle.stat({ bigint: true })
  } finally {
    await handle.close()
  }
  ctx.signal.throwIfAborted()
  return publishFile(path, stats, target, options, policy)
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
    await publish(source, target, options)
  }
  if (policy.fsync) await syncFolder(target.folder).catch(notDurable)
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
    await publish(source, target, options)
  } catch (error) {
    if (sidecar !== undefined) await unless(['ENOENT'], unlink(sidecar))
    throw error
  }
  const sameVersion = old !== undefined && old.mtimeNs === stats.mtimeNs && old.size === stats.size
  if (old !== undefined && !sameVersion) await removeSidecar(target, old)
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

function notDurable(error: unknown): never {
  throw new StorageError('unknown', 'The file is in its place, but its folder could not be made durable.', {
    cause: error,
    outcome: 'applied',
  })
}
