import { importOptional } from '../../core/optional.ts'
import { heifHeader, sizesIn, webpHeader } from './containers.ts'
import { jpegHeader } from './jpeg.ts'
import { svgHeader } from './svg.ts'
import { tiffHeader } from './tiff.ts'
import { fourCharacters, type HeaderReader, type ImageSize, PART } from './wanted.ts'

const TIFF = new Set(['II*\0', 'MM\0*'])

/** Loads `image-size`; `improperly_configured` where it is not installed. */
export async function loadImageSize(): Promise<ImageSize> {
  const { imageSize } = await importOptional<{ readonly imageSize: ImageSize }>('image-size', 'imageField')
  return imageSize
}

/** Reads sizes and orientation from the header of a PNG, JPEG, GIF, WebP, AVIF, HEIC, TIFF or SVG file; undefined for any other. */
export function* imageHeader(imageSize: ImageSize): HeaderReader {
  const head = yield { offset: 0, length: PART }
  if (head.length < 10) return undefined
  const first = fourCharacters(head, 0)
  if (first === '\x89PNG' || first === 'GIF8') return sizesIn(head, imageSize)
  if (head[0] === 0xff && head[1] === 0xd8) return yield* jpegHeader()
  if (first === 'RIFF' && head.length > 30) return yield* webpHeader(head, imageSize)
  if (fourCharacters(head, 4) === 'ftyp') return yield* heifHeader(imageSize)
  if (TIFF.has(first)) return yield* tiffHeader(head)
  return yield* svgHeader(imageSize)
}
