/** Sets of names with known shapes, from a seeded generator, in the order of listings. */
import { compareKeys, sortKeys } from '../../src/core/key-order.ts'
import type { Probe } from '../../src/fleet/probe.ts'

/** Numbers from 0 to 1 in a fixed sequence (mulberry32). */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const HEX = '0123456789abcdef'
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const WIDE = ['é', 'ß', 'Ж', 'א', '写', '真', '\uf900', '\uffee', '😀', '🂡', '\u{2a6d6}', 'z', '~']

/** The shapes by name: each returns about `count` names. */
export const SHAPES: Readonly<Record<string, (count: number) => string[]>> = {
  'zero-padded sequence': count => named(count, index => `frame-${String(index).padStart(12, '0')}.png`),
  'sequence without padding': count => named(count, index => `${index}`),
  'random hexadecimal': count => random16(count, ''),
  UUIDs: count => named(count, (_, next) => uuid(next)),
  base64: count => named(count, (_, next) => text(BASE64, 22, next)),
  'dates, uneven days': count => dates(count),
  'one day with most files': count => [
    ...dates(Math.floor(count / 10)),
    ...random16(Math.floor((count * 9) / 10), '2024/05/17/'),
  ],
  'one giant among 1,000 small folders': count => [
    ...named(count / 2, (index, next) => `${String(index % 1000).padStart(4, '0')}/${text(HEX, 12, next)}`),
    ...random16(count / 2, '0617/'),
  ],
  'common prefix of 500': count => random16(count, `${'deep/'.repeat(100)}`),
  'giant below a long path': count => ['a', 'b/c', 'zz/y', ...random16(count, `m${'/x'.repeat(250)}/`)],
  'all kinds of Unicode': count => named(count, (_, next) => text(WIDE, 8, next)),
  'a folder beside its files': count => [
    '/',
    'd',
    'd/',
    ...named(count, (index, next) => `d/${text(HEX, 6, next)}${'/'.repeat(index % 3)}`),
  ],
  'words and numbers': count =>
    named(
      count,
      (index, next) => `${['photo', 'video', 'doc', 'Scan', 'IMG_'][index % 5]}${Math.floor(next() * 1e7)}.bin`,
    ),
  'users with few files each': count =>
    named(count, (_, next) => `user-${Math.floor(next() ** 2 * 50_000)}/avatar-${text(HEX, 4, next)}.png`),
}

/** Returns the names of a shape, each once, in the order of listings. */
export function shaped(shape: string, count: number): string[] {
  return sortKeys([...new Set(SHAPES[shape]!(count))])
}

/** Lists names from memory, and counts the requests. */
export class ArrayProbe implements Probe {
  requests = 0
  readonly #names: readonly string[]

  constructor(names: readonly string[]) {
    this.#names = names
  }

  async page(after: string | undefined, until: string | undefined, limit: number): Promise<readonly string[]> {
    this.requests++
    const begin = after === undefined ? 0 : indexAfter(this.#names, after)
    const end = until === undefined ? this.#names.length : indexAfter(this.#names, until, false)
    return this.#names.slice(begin, Math.min(end, begin + limit))
  }
}

/** Returns the index of the first name after a key; or not before it. */
export function indexAfter(names: readonly string[], key: string, isExclusive = true): number {
  let [low, high] = [0, names.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const order = compareKeys(names[middle]!, key)
    if (order < 0 || (isExclusive && order === 0)) low = middle + 1
    else high = middle
  }
  return low
}

function named(count: number, nameOf: (index: number, next: () => number) => string): string[] {
  const next = random(count)
  return Array.from({ length: count }, (_, index) => nameOf(index, next))
}

function random16(count: number, prefix: string): string[] {
  return named(count, (_, next) => prefix + text(HEX, 16, next))
}

function text(alphabet: string | readonly string[], length: number, next: () => number): string {
  let result = ''
  for (let at = 0; at < length; at++) result += alphabet[Math.floor(next() * alphabet.length)]!
  return result
}

function uuid(next: () => number): string {
  return [8, 4, 4, 4, 12].map(length => text(HEX, length, next)).join('-')
}

/** Five years; the number of files of a day follows Zipf's law, in a random order of the days. */
function dates(count: number): string[] {
  const next = random(7)
  const days = Array.from({ length: 1826 }, (_, day) => new Date(Date.UTC(2019, 0, 1 + day)).toISOString().slice(0, 10))
  const ranks = days.map((_, index) => ({ index: index + 1, at: next() })).sort((a, b) => a.at - b.at)
  const harmonic = days.reduce((sum, _, index) => sum + 1 / (index + 1), 0)
  return days.flatMap((day, at) => {
    const size = Math.ceil(count / harmonic / ranks[at]!.index)
    return Array.from({ length: size }, () => `${day.replaceAll('-', '/')}/${text(HEX, 10, next)}.jpg`)
  })
}
