import type { BigIntStats } from 'node:fs'
import { open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeCrypto } from '../../core/builtin.ts'
import type { FileAttributes } from '../../core/driver.ts'
import { guessType } from '../../core/mime.ts'
import { unless } from './errno.ts'
import type { Place } from './paths.ts'

/**
 * Path of the hidden file with a file's attributes. Its name holds the modification time and the size of the one version that it
 * describes: it is written before that version is published, and so both appear in the same step. `cp -a` keeps them together.
 */
export function sidecarPath(place: Place, stats: BigIntStats): string {
  const id = nodeCrypto().createHash('sha256').update(place.base).digest('hex').slice(0, 32)
  return join(place.folder, `.holdall-${id}-${stats.mtimeNs.toString(16)}-${stats.size.toString(16)}.meta`)
}

const PACKED: Readonly<Record<string, string>> = {
  gzip: 'application/gzip',
  bzip2: 'application/x-bzip2',
  xz: 'application/x-xz',
  br: 'application/x-brotli',
  zstd: 'application/zstd',
  compress: 'application/x-compress',
}

/** What a name alone tells of a file: a packed one is of the packer's type, because nobody asked for it to be unpacked on the way. */
export function guessedAttributes(base: string): FileAttributes {
  const { contentType, contentEncoding } = guessType(base)
  return { contentType: contentEncoding === undefined ? contentType : PACKED[contentEncoding] }
}

/** The attributes of that version; without a (readable) sidecar, what the name tells. */
export async function readSidecar(place: Place, stats: BigIntStats): Promise<FileAttributes> {
  const text = await unless(['ENOENT'], readFile(sidecarPath(place, stats), 'utf8'))
  return text === undefined ? guessedAttributes(place.base) : (JSON.parse(text) as FileAttributes)
}

/** Writes a sidecar before its file is published; nothing is written when there is nothing to keep. Gives its path. */
export async function writeSidecar(
  place: Place,
  stats: BigIntStats,
  attributes: FileAttributes,
  sync: boolean,
): Promise<string | undefined> {
  if (Object.values(attributes).every(value => value === undefined)) return undefined
  const path = sidecarPath(place, stats)
  const handle = await open(path, 'w', 0o600)
  try {
    await handle.writeFile(JSON.stringify(attributes))
    if (sync) await handle.sync()
  } finally {
    await handle.close()
  }
  return path
}

/** Removes the sidecar of a version that is gone; missing is fine. */
export async function removeSidecar(place: Place, stats: BigIntStats): Promise<void> {
  await unless(['ENOENT'], unlink(sidecarPath(place, stats)))
}

/** The attributes among a call's options, the media type guessed where it was not told. */
export function attributesOf(base: string, options: FileAttributes): FileAttributes {
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, metadata } = options
  return {
    contentType: contentType ?? guessedAttributes(base).contentType,
    contentEncoding,
    contentDisposition,
    contentLanguage,
    cacheControl,
    metadata,
  }
}
