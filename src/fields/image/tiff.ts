import { type HeaderReader, type ImageInfo, infoOf, MAX_PART, viewOf } from './wanted.ts'

const WIDTH = 256
const HEIGHT = 257
const ORIENTATION = 274
const ENTRY = 12

/** Sizes and orientation in the first directory of a TIFF file. (TIFF 6.0) */
export function* tiffHeader(head: Uint8Array): HeaderReader {
  const view = viewOf(head)
  const little = view.getUint8(0) === 0x49
  const offset = view.getUint32(4, little)
  if (offset < 8) return undefined
  const counted = yield { offset, length: 2 }
  if (counted.length < 2) return undefined
  const length = viewOf(counted).getUint16(0, little) * ENTRY
  const entries = yield { offset: offset + 2, length: Math.min(length, MAX_PART) }
  const tags = tagsIn(entries, little)
  return infoOf(tags.get(WIDTH) ?? 0, tags.get(HEIGHT) ?? 0, tags.get(ORIENTATION))
}

/** The orientation in a block of EXIF, which is a TIFF file without pictures. */
export function exifOrientation(exif: Uint8Array): number | undefined {
  if (exif.length < 8) return undefined
  const view = viewOf(exif)
  const mark = view.getUint16(0)
  const little = mark === 0x4949
  if (!little && mark !== 0x4d4d) return undefined
  const offset = view.getUint32(4, little)
  if (offset < 8 || offset + 2 > exif.length) return undefined
  const count = view.getUint16(offset, little)
  const orientation = tagsIn(exif.subarray(offset + 2, offset + 2 + count * ENTRY), little).get(ORIENTATION)
  return infoOf(1, 1, orientation)?.orientation
}

/** Returns the short and long numbers of a directory that are stored in the entries themselves. */
function tagsIn(entries: Uint8Array, little: boolean): Map<number, number> {
  const view = viewOf(entries)
  const tags = new Map<number, number>()
  for (let at = 0; at + ENTRY <= entries.length; at += ENTRY) {
    const type = view.getUint16(at + 2, little)
    const tag = view.getUint16(at, little)
    if (view.getUint32(at + 4, little) !== 1) continue
    if (type === 3) tags.set(tag, view.getUint16(at + 8, little))
    if (type === 4) tags.set(tag, view.getUint32(at + 8, little))
  }
  return tags
}

/** Returns the same picture with an orientation from elsewhere in the file. */
export function turned(info: ImageInfo | undefined, orientation: number | undefined): ImageInfo | undefined {
  return info && infoOf(info.width, info.height, orientation ?? info.orientation)
}
