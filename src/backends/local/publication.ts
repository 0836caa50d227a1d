import type { BigIntStats } from 'node:fs'
import { type FileHandle, lstat, open, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileAttributes, Stat, WriteOptions } from '../../core/driver.ts'
import { publish, syncFolder } from './atomic-write.ts'
import { unless } from './errno.ts'
import { temporaryName } from './hidden.ts'
import type { Place } from './paths.ts'
import { attributesOf, guessedAttributes, removeSidecar, writeSidecar } from './sidecar.ts'
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

/** Opens a new temporary file beside a target, readable and writable; nobody else may read it before it is published. */
export async function openTemporary(folder: string, policy: WritePolicy): Promise<Temporary> {
  const path = join(folder, temporaryName())
  const handle = await open(path, 'wx+', policy.filePermissionsMode === null ? 0o666 : 0o600)
  return { handle, path }
}

/** Closes and removes a temporary file. Never fails. */
export async function dropTemporary(temporary: Temporary): Promise<void> {
  await temporary.handle.close().catch(() => undefined)
  await unlink(temporary.path).catch(() => undefined)
}

/**
 * Gives a complete temporary file its mode, makes it durable, closes it and publishes it with its attributes. The handle is closed
 * in every case; on failure the temporary file is left to the caller.
 */
export async function publishTemporary(
  temporary: Temporary,
  target: Place,
  options: WriteOptions,
  policy: WritePolicy,
): Promise<Stat> {
  const { handle, path } = temporary
  let stats: BigIntStats
  try {
    if (policy.filePermissionsMode !== null) await handle.chmod(policy.filePermissionsMode)
    if (policy.keepMetadata) await distinctTime(path)
    if (policy.fsync) await handle.sync()
    stats = await handle.stat({ bigint: true })
  } finally {
    await handle.close()
  }
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
    attributes = attributesOf(target.base, options)
    await publishWithSidecar(source, stats, target, attributes, options, policy)
  } else {
    await publish(source, target, options)
  }
  if (policy.fsync) await syncFolder(target.folder)
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
  const old = await unless(['ENOENT'], lstat(target.path, { bigint: true }))
  const sidecar = await writeSidecar(target, stats, attributes, policy.fsync)
  try {
    await publish(source, target, options)
  } catch (error) {
    if (sidecar !== undefined) await unless(['ENOENT'], unlink(sidecar))
    throw error
  }
  const sameVersion = old !== undefined && old.mtimeNs === stats.mtimeNs && old.size === stats.size
  if (old !== undefined && !sameVersion) await removeSidecar(target, old)
}

/** The kernel's clock ticks every few milliseconds; sidecars of two writes within one tick must not share a name. */
async function distinctTime(path: string): Promise<void> {
  const now = (performance.timeOrigin + performance.now() + Math.random() / 1000) / 1000
  await utimes(path, now, now)
}
