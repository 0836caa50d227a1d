import type { BigIntStats } from 'node:fs'
import { lstat, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { attributesOf } from '../../core/attributes.ts'
import type { FileAttributes } from '../../core/driver.ts'
import { isExhaustion, unless } from '../../core/errno.ts'
import { StorageError } from '../../core/errors.ts'
import { guessType, packedType } from '../../core/mime.ts'
import { writeAll } from '../../files/write-all.ts'
import { etagOf } from './atomic-write.ts'
import { sidecarStem } from './hidden.ts'
import { readOwn } from './own-file.ts'
import type { Place } from './place.ts'
import { parseAttributes } from './sidecar-json.ts'
import { type FileMode, withTemporary } from './temporary.ts'

/** A larger sidecar is neither written nor read. */
const MAX_SIDECAR_BYTES = 65_536

/** The part of a place that identifies its files; it need not be held. */
export type Named = Pick<Place, 'folder' | 'base' | 'path'>

/** What identifies a version of a file among those of one name. */
export type VersionStats = Pick<BigIntStats, 'mtimeNs' | 'size'>

/**
 * Path of the hidden file with a file's attributes. Its name contains the modification time and the size of the version that it describes.
 * It is written before that version is published, so both appear in the same step. `cp -a` keeps them together.
 */
function sidecarPath(place: Named, stats: VersionStats): string {
  return join(place.folder, sidecarName(place.base, stats))
}

/** The name of the sidecar of a version. */
export function sidecarName(base: string, stats: VersionStats): string {
  return `${sidecarStem(base)}${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}.meta`
}

/**
 * The attributes implied by a file's name. A compressed file has the type of its compression, because clients did not ask to decompress it.
 */
export function guessedAttributes(base: string): FileAttributes {
  return { contentType: packedType(base) ?? guessType(base).contentType }
}

/**
 * The attributes of exactly this version; the ones implied by the name if none were stored or they cannot be read. Undefined if the version
 * was replaced meanwhile, since its sidecar is removed with it.
 */
export async function readSidecar(place: Named, stats: BigIntStats): Promise<FileAttributes | undefined> {
  try {
    const bytes = await readOwn(sidecarPath(place, stats), MAX_SIDECAR_BYTES)
    const attributes = bytes && parseAttributes(bytes)
    if (attributes !== undefined) return keptAttributes(place.base, attributes)
  } catch (error) {
    // A file that is read without its attributes would be copied without them.
    if (isExhaustion(error)) throw error
  }
  const now = await unless(['ENOENT'], lstat(place.path, { bigint: true }))
  return now !== undefined && etagOf(now) === etagOf(stats) ? guessedAttributes(place.base) : undefined
}

/**
 * Writes a sidecar before its file is published, with the mode of the file; writes nothing if there are no attributes. Returns its path.
 * The bytes go to a temporary file, which then replaces any file with the name. Code `too_large` for too many bytes.
 */
export async function writeSidecar(
  place: Named,
  stats: VersionStats,
  attributes: FileAttributes,
  policy: FileMode & { readonly fsync: boolean },
): Promise<string | undefined> {
  if (Object.values(attributes).every(value => value === undefined)) return undefined
  const bytes = Buffer.from(JSON.stringify(attributes))
  if (bytes.byteLength > MAX_SIDECAR_BYTES) {
    const limit = `at most ${MAX_SIDECAR_BYTES} bytes`
    throw new StorageError('too_large', `The attributes of a file: expected ${limit} as JSON, got ${bytes.byteLength}.`)
  }
  const path = sidecarPath(place, stats)
  const mode = policy.filePermissionsMode
  await withTemporary(place.folder, policy, async temporary => {
    await writeAll(temporary.handle, bytes, null)
    if (mode !== null) await temporary.handle.chmod(mode)
    if (policy.fsync) await temporary.handle.sync()
    await temporary.handle.close()
    await rename(temporary.path, path)
  })
  return path
}

/** Removes the sidecar of a version that is gone. Never fails: a sidecar that remains describes no version, and `sweep` removes it. */
export async function removeSidecar(place: Named, stats: VersionStats): Promise<void> {
  await unlink(sidecarPath(place, stats)).catch(() => undefined)
}

/** The attributes in a call's options; the content type is guessed from the name if it is not set. */
export function keptAttributes(base: string, options: FileAttributes): FileAttributes {
  const contentType = options.contentType ?? guessedAttributes(base).contentType
  return { ...attributesOf(options), contentType }
}
