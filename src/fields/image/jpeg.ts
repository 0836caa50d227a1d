import { exifOrientation } from './tiff.ts'
import { type HeaderReader, infoOf, viewOf } from './wanted.ts'

/** Bytes read at the beginning of a segment: enough for the sizes, or to see that it is EXIF. */
const START = 16
const EXIF = 'Exif\0\0'
const APP1 = 0xe1
const START_OF_SCAN = 0xda

/** Sizes in the frame header of a JPEG file, after any number of segments. (ITU-T T.81 B.1) */
export function* jpegHeader(): HeaderReader {
  let orientation: number | undefined
  for (let at = 2; ; ) {
    const start = yield { offset: at, length: START }
    if (start.length < 4 || start[0] !== 0xff) return undefined
    const marker = start[1]!
    if (marker === 0xff) {
      at += 1 // A fill byte.
      continue
    }
    if (isAlone(marker)) {
      at += 2
      continue
    }
    const length = viewOf(start).getUint16(2)
    if (length < 2 || marker === START_OF_SCAN) return undefined
    if (isFrame(marker)) {
      if (start.length < 9) return undefined
      return infoOf(viewOf(start).getUint16(7), viewOf(start).getUint16(5), orientation)
    }
    if (marker === APP1 && String.fromCharCode(...start.subarray(4, 10)) === EXIF) {
      orientation ??= exifOrientation(yield { offset: at + 10, length: Math.max(0, length - 8) })
    }
    at += 2 + length
  }
}

function isAlone(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9)
}

/** Whether the marker is a frame header. The tables and the reserved marker between them are not: DHT, JPG, DAC. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}
