import { seeded } from '../../oracles/seeded.ts'

/** Parts of names, values and texts that are often encoded wrongly. */
const PIECES = [
  ...'abzAZ09-._~ %#?+!$&\'()*,:;=@/"<>[]^`{|}\\',
  '%2E',
  '%2f',
  '%',
  '..x',
  'é',
  '中',
  '\u{1f600}',
  '\u2028',
]

/** Picks random things, the same for the same seed. */
export class Picker {
  readonly random: () => number

  constructor(seed: number) {
    this.random = seeded(seed)
  }

  below(end: number): number {
    return Math.floor(this.random() * end)
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }

  /** The thing, or now and then undefined. */
  maybe<T>(make: () => T): T | undefined {
    return this.random() < 0.5 ? make() : undefined
  }

  /** A text of odd characters, at least one. */
  text(most: number): string {
    return Array.from({ length: 1 + this.below(most) }, () => this.of(PIECES)).join('')
  }

  /** Letters of an alphabet, at least one, in any order and some twice. */
  letters(alphabet: string, most: number): string {
    return Array.from({ length: 1 + this.below(most) }, () => this.of([...alphabet])).join('')
  }

  /** A name of a blob: no `.` and `..` segments, which are refused before a request is made. */
  name(): string {
    for (;;) {
      const name = this.text(24)
      if (!name.split('/').some(part => /^\.{1,2}$/.test(part))) return name
    }
  }

  /** A key of an account, in base64. */
  key(): string {
    return Buffer.from(Array.from({ length: this.of([64, 64, 32, 1, 65, 200]) }, () => this.below(256))).toString(
      'base64',
    )
  }

  date(): Date {
    return new Date(this.below(4_102_444_800) * 1000 + this.below(1000))
  }
}
