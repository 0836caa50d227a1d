import { exifOrientation, turned } from './tiff.ts'
import {
  fourCharacters,
  type HeaderReader,
  type ImageInfo,
  type ImageSize,
  infoOf,
  MAX_PART,
  viewOf,
} from './wanted.ts'

/** Sizes of a WebP file, and the orientation in its EXIF chunk. (RFC 9649) */
export function* webpHeader(head: Uint8Array, imageSize: ImageSize): HeaderReader {
  const info = sizesIn(head, imageSize)
  const hasExif = fourCharacters(head, 12) === 'VP8X' && (head[20]! & 0x08) !== 0
  if (info === undefined || !hasExif) return info
  for (let at = 12; ; ) {
    const start = yield { offset: at, length: 8 }
    if (start.length < 8) return info
    const length = viewOf(start).getUint32(4, true)
    if (fourCharacters(start, 0) === 'EXIF') {
      const exif = yield { offset: at + 8, length: Math.min(length, MAX_PART) }
      // Some writers put the marker of a JPEG segment before it.
      const marked = fourCharacters(exif, 0) === 'Exif'
      return turned(info, exifOrientation(marked ? exif.subarray(6) : exif))
    }
    at += 8 + length + (length % 2)
  }
}

/** The EXIF orientation of a picture that is turned by this many quarters counter-clockwise. */
const TURNED: readonly number[] = [1, 8, 3, 6]

/** Sizes of an AVIF or HEIC file, and its rotation. (ISO/IEC 23008-12, `irot`) */
export function* heifHeader(imageSize: ImageSize): HeaderReader {
  let type: Uint8Array = new Uint8Array()
  for (let at = 0; ; ) {
    const start = yield { offset: at, length: 16 }
    if (start.length < 8) return undefined
    const view = viewOf(start)
    const short = view.getUint32(0)
    const length = short === 1 && start.length === 16 ? Number(view.getBigUint64(8)) : short
    if (length < 8) return undefined
    const name = fourCharacters(start, 4)
    if (name === 'ftyp') type = yield { offset: at, length: Math.min(length, 1024) }
    if (name === 'meta') {
      const meta = yield { offset: at, length: Math.min(length, MAX_PART) }
      const both = new Uint8Array(type.length + meta.length)
      both.set(type)
      both.set(meta, type.length)
      return turned(sizesIn(both, imageSize), rotationIn(meta))
    }
    at += length
  }
}

/** Returns the rotation that all pictures of the file have; undefined where they differ or have none. */
function rotationIn(meta: Uint8Array): number | undefined {
  const bytes = Buffer.from(meta.buffer, meta.byteOffset, meta.byteLength)
  const angles = new Set<number>()
  for (let at = bytes.indexOf('irot'); at >= 0; at = bytes.indexOf('irot', at + 4)) {
    if (at >= 4 && bytes.readUInt32BE(at - 4) === 9 && at + 4 < bytes.length) angles.add(bytes[at + 4]! & 3)
  }
  return angles.size === 1 ? TURNED[[...angles][0]!] : undefined
}

/** Returns the sizes that `image-size` finds in these bytes; undefined where it finds none. */
export function sizesIn(bytes: Uint8Array, imageSize: ImageSize): ImageInfo | undefined {
  try {
    const { width, height, orientation } = imageSize(bytes)
    return infoOf(Math.round(width), Math.round(height), orientation)
  } catch {
    return undefined
  }
}
