import { sizesIn } from './containers.ts'
import { type HeaderReader, type ImageSize, PART } from './wanted.ts'

const TEXT_PARTS = [PART, 16 * PART]
/** The constructs that may precede the root of an XML document, by their beginning and their end. */
const PROLOG: ReadonlyArray<readonly [start: string, end: string]> = [
  ['<?', '?>'],
  ['<!--', '-->'],
  ['<!', '>'],
]
const SIZES: ReadonlySet<string> = new Set(['width', 'height', 'viewBox'])

/**
 * Sizes in the root of an SVG file, which may come after comments and declarations. `image-size` receives only the size attributes of the
 * root: its expressions look at no more than 1000 bytes, and are slow for a tag that never ends.
 */
export function* svgHeader(imageSize: ImageSize): HeaderReader {
  for (const length of TEXT_PARTS) {
    const text = Buffer.from(yield { offset: 0, length }).toString('latin1')
    const root = rootOf(text)
    if (root === undefined) return undefined
    const tag = text.slice(root, root + PART)
    const sizes = sizesOf(tag)
    if (sizes !== undefined) return sizesIn(Buffer.from(`<svg ${sizes.join(' ')}>`), imageSize)
    if (text.length < length || tag.length === PART) return undefined
  }
  return undefined
}

/** Returns the offset of the root, or where it would begin; undefined where the root is not `svg`. */
function rootOf(text: string): number | undefined {
  for (let at = text.startsWith('\xef\xbb\xbf') ? 3 : 0; ; ) {
    while (isBlank(text.charAt(at))) at += 1
    if (at >= text.length) return at
    if (text.startsWith('<svg', at)) return at + 4 === text.length || isBlank(text.charAt(at + 4)) ? at : undefined
    const found = PROLOG.find(([start]) => text.startsWith(start, at))
    if (found === undefined) return undefined
    const end = text.indexOf(found[1], at)
    if (end < 0) return text.length
    at = end + found[1].length
  }
}

/** Returns the size attributes of a tag; undefined for a tag that is cut off. */
function sizesOf(tag: string): string[] | undefined {
  const sizes: string[] = []
  let name = ''
  let isOver = false
  for (let at = 0; at < tag.length; at++) {
    const character = tag.charAt(at)
    if (character === '>') return sizes
    if (character === '"' || character === "'") {
      const end = tag.indexOf(character, at + 1)
      if (end < 0) return undefined
      if (SIZES.has(name)) sizes.push(`${name}=${tag.slice(at, end + 1)}`)
      name = ''
      at = end
    } else if (isBlank(character)) isOver = true
    else if (character !== '=') {
      name = isOver ? character : name + character
      isOver = false
    }
  }
  return undefined
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r'
}
