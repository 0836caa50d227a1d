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

/** A larger sidecar is not written, and not read. */
const MAX_SIDECAR_BYTES = 65_536

/** What of a place names its files; it need not be held. */
export type Named = Pick<Place, 'folder' | 'base' | 'path'>

/**
 * Path of the hidden file with a file's attributes. Its name holds the modification time and the size of the one version that it
 * describes: it is written before that version is published, and so both appear in the same step. `cp -a` keeps them together.
 */
function sidecarPath(place: Named, stats: BigIntStats): string {
  return join(place.folder, sidecarName(place.base, stats))
}

/** The name of the sidecar of a version. */
export function sidecarName(base: string, stats: BigIntStats): string {
  return `${sidecarStem(base)}${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}.meta`
}

/** What a name alone tells of a file: a packed one is of the packer's type, because nobody asked for it to be unpacked on the way. */
export function guessedAttributes(base: string): FileAttributes {
  return { contentType: packedType(base) ?? guessType(base).contentType }
}

/**
 * The attributes of exactly this version; what the name tells where none were kept or they cannot be read. Undefined when the
 * version was replaced meanwhile, since its sidecar goes with it.
 */
export async function readSidecar(place: Named, stats: BigIntStats): Promise<FileAttributes | undefined> {
  try {
    const bytes = await readOwn(sidecarPath(place, stats), MAX_SIDECAR_BYTES)
    const attributes = bytes && parseAttributes(bytes)
    if (attributes !== undefined) return keptAttributes(place.base, attributes)
  } catch (error) {
    // What is read without its attributes would be copied without them.
    if (isExhaustion(error)) throw error
  }
  const now = await unless(['ENOENT'], lstat(place.path, { bigint: true }))
  return now !== undefined && etagOf(now) === etagOf(stats) ? guessedAttributes(place.base) : undefined
}

/**
 * Writes a sidecar before its file is published, with the mode of the file; nothing is written when there is nothing to keep. Gives its
 * path. The bytes go to a temporary file, which then takes the place of whatever has the name. Too many are `too_large`.
 */
export async function writeSidecar(
  place: Named,
  stats: BigIntStats,
  attributes: FileAttributes,
  policy: FileMode & { readonly fsync: boolean },
): Promise<string | undefined> {
  if (Object.values(attributes).every(value => value === undefined)) return undefined
  const bytes = Buffer.from(JSON.stringify(attributes))
  if (bytes.byteLength > MAX_SIDECAR_BYTES) {
    const limit = `at most ${MAX_SIDECAR_BYTES} bytes`
    throw new StorageError('too_large', `The attributes of a file make ${limit} as JSON, got ${bytes.byteLength}.`)
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

/** Removes the sidecar of a version that is gone. Never fails: one that stays describes nothing, and is swept. */
export async function removeSidecar(place: Named, stats: BigIntStats): Promise<void> {
  await unlink(sidecarPath(place, stats)).catch(() => undefined)
}

/** The attributes among a call's options, the media type guessed where it was not told. */
export function keptAttributes(base: string, options: FileAttributes): FileAttributes {
  const contentType = options.contentType ?? guessedAttributes(base).contentType
  return { ...attributesOf(options), contentType }
}
