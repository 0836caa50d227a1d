/** Fixed point: positions are integers from 0 to 2 ** BITS. 1,024 bits are 256 hexadecimal digits. */
const BITS = 1024n
const SLASH = 0x2f
/** After this number of changes, the characters of an offset are known. */
const ENOUGH = 8
const DIGIT = /[0-9]/
const KINDS = [DIGIT, /[A-Z]/, /[a-z]/]

/** The characters at one offset of one component of the names: `2024/05/17/x` has the month's first digit at component 1, offset 0. */
interface Place {
  readonly seen: Set<number>
  /** How often this was the first character that two neighbours do not have in common. */
  changes: number
  /** The likely characters in order, as of `KeySpace.#version`. */
  likely: readonly number[]
  version: number
}

/**
 * Positions of names between 0 and 2^1024 in the order of the names, learnt from names: each likely character at an offset of a component
 * has an equal share. So half-way between two positions is about half the names, if names are evenly distributed.
 */
export class KeySpace {
  readonly #places: Place[][] = []
  readonly #everywhere = new Set<number>()
  #version = 0

  /** Learns from names that follow each other in a listing. */
  learn(names: readonly string[]): void {
    let last: string | undefined
    for (const name of names) {
      const shared = last === undefined ? 0 : sharedLength(last, name)
      const isFirst = last === undefined
      last = name
      let [component, offset] = [0, 0]
      for (let at = 0; at < name.length; ) {
        const char = name.codePointAt(at)!
        if (at >= shared) this.#add(component, offset, char, at === shared && !isFirst)
        at += char > 0xffff ? 2 : 1
        if (char === SLASH) [component, offset] = [component + 1, 0]
        else offset++
      }
    }
  }

  /** Returns a name's position; never a lower one than that of an earlier name. */
  position(name: string): bigint {
    let [low, width] = [0n, 1n << BITS]
    let [component, offset] = [0, 0]
    for (let at = 0; at < name.length; ) {
      const char = name.codePointAt(at)!
      const likely = this.#likely(component, offset)
      const rank = lowerBound(likely, char)
      if (likely.length > 1) width /= BigInt(likely.length)
      low += width * BigInt(rank)
      if (likely[rank] !== char) break
      at += char > 0xffff ? 2 : 1
      if (char === SLASH) [component, offset] = [component + 1, 0]
      else offset++
    }
    return low
  }

  /** Returns the shortest name after position `low` and not after `goal`; undefined if no likely name is there. */
  nameAt(low: bigint, goal: bigint): string | undefined {
    let [start, width] = [0n, 1n << BITS]
    let [component, offset] = [0, 0]
    let name = ''
    while (start <= low) {
      const likely = this.#likely(component, offset)
      if (likely.length === 0 || width === 0n) return undefined
      if (likely.length > 1) width /= BigInt(likely.length)
      const rank = width === 0n ? likely.length : Number((goal - start) / width)
      const char = likely[Math.min(rank, likely.length - 1)]!
      start += width * BigInt(Math.min(rank, likely.length - 1))
      name += String.fromCodePoint(char)
      if (char === SLASH) [component, offset] = [component + 1, 0]
      else offset++
    }
    return name
  }

  #add(component: number, offset: number, char: number, isChange: boolean): void {
    const places = (this.#places[component] ??= [])
    const place = (places[offset] ??= { seen: new Set(), changes: 0, likely: [], version: -1 })
    if (isChange && ++place.changes === ENOUGH) this.#version++
    if (place.seen.has(char)) return
    place.seen.add(char)
    this.#everywhere.add(char)
    this.#version++
  }

  /**
   * The characters seen at this offset, and the letters and digits seen elsewhere that are between them; after few changes all
   * digits where one was seen, and all letters of a kind where several were.
   */
  #likely(component: number, offset: number): readonly number[] {
    const place = this.#places[component]?.[offset]
    if (place === undefined) return []
    if (place.version === this.#version) return place.likely
    place.version = this.#version
    const seen = [...place.seen]
    const [first, last] = [Math.min(...seen), Math.max(...seen)]
    const isOpen = place.changes < ENOUGH
    const kinds = new Set(isOpen ? seen.map(kindOf).filter(kind => kind === DIGIT.source || seen.length > 1) : [])
    const others = [...this.#everywhere].filter(char => {
      const kind = kindOf(char)
      return kind !== undefined && ((char > first && char < last) || kinds.has(kind))
    })
    place.likely = [...new Set([...seen, ...others])].sort((a, b) => a - b)
    return place.likely
  }
}

/** Returns digits, capitals, small letters or others; undefined for punctuation, which separates parts of names. */
function kindOf(char: number): string | undefined {
  if (char > 0x7f) return 'other'
  return KINDS.find(kind => kind.test(String.fromCharCode(char)))?.source
}

/** Returns the number of UTF-16 units that two names have in common, without half a character. */
export function sharedLength(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  const unit = at > 0 ? a.charCodeAt(at - 1) : 0
  return unit >= 0xd800 && unit < 0xdc00 ? at - 1 : at
}

function lowerBound(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
