import { importOptional } from '../../core/optional.ts'
import { heifHeader, sizesIn, webpHeader } from './containers.ts'
import { jpegHeader } from './jpeg.ts'
import { tiffHeader } from './tiff.ts'
import { fourCharacters, type HeaderReader, type ImageSize, PART } from './wanted.ts'

const TIFF = new Set(['II*\0', 'MM\0*'])
const TEXT_PARTS = [PART, 16 * PART]

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

function* svgHeader(imageSize: ImageSize): HeaderReader {
  for (const length of TEXT_PARTS) {
    const bytes = Buffer.from(yield { offset: 0, length })
    const root = rootOf(bytes.toString('latin1'))
    if (root === undefined) return undefined
    // `image-size` looks at the first 1000 bytes for the root.
    const info = sizesIn(bytes.subarray(root), imageSize)
    if (info !== undefined || bytes.length < length) return info
  }
  return undefined
}

/** What may be before the root of an XML document, by its beginning and its end. */
const PROLOG: ReadonlyArray<readonly [start: string, end: string]> = [
  ['<?', '?>'],
  ['<!--', '-->'],
  ['<!', '>'],
]

/** Where the root is, or would come; undefined where it is no `svg`. */
function rootOf(text: string): number | undefined {
  for (let at = text.startsWith('\xef\xbb\xbf') ? 3 : 0; ; ) {
    while (/\s/.test(text.charAt(at))) at += 1
    if (at >= text.length || text.startsWith('<svg', at)) return at
    const found = PROLOG.find(([start]) => text.startsWith(start, at))
    if (found === undefined) return undefined
    const end = text.indexOf(found[1], at)
    if (end < 0) return text.length
    at = end + found[1].length
  }
}
