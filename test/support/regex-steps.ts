import {
  compileRegex,
  type Instruction,
  LEFT,
  type Program,
  type RegexProgram,
  TABLE,
  TAKEN,
  type Taker,
  UNKNOWN,
} from './regex-program.ts'

/** How a search ended, and what it cost. */
export interface Search {
  /** Places of the match and of its groups, as in `indices`; undefined without a match, or where the limit ended the search. */
  readonly match: ReadonlyArray<readonly [start: number, end: number] | undefined> | undefined
  /** Steps of a matcher that knows no short cut. */
  readonly steps: number
  readonly exceeded: boolean
}

const matchers = new Map<string, Matcher>()
const matcherOf = new WeakMap<RegExp, Matcher>()

/**
 * Searches as `regex.exec(text)` does from `lastIndex` on, in steps that can be counted: at one place after the other, trying alternatives
 * in their order and going back to the last choice. A search that takes more than `limit` steps is given up.
 */
export function countSteps(regex: RegExp, text: string, lastIndex: number, limit: number): Search {
  const matcher = matcherFor(regex)
  const place = matcher.search(text, lastIndex, limit)
  const match = place === undefined ? undefined : matcher.match(place)
  return { match, steps: matcher.steps, exceeded: matcher.exceeded }
}

/** What counts the steps of an expression; equal ones have the same. */
export function matcherFor(regex: RegExp): Matcher {
  let matcher = matcherOf.get(regex)
  if (matcher === undefined) {
    const key = String(regex)
    matcher = matchers.get(key) ?? new Matcher(compileRegex(regex))
    matchers.set(key, matcher)
    matcherOf.set(regex, matcher)
  }
  return matcher
}

class Exceeded extends Error {}

/** Searches with one expression, one text after the other. */
export class Matcher {
  readonly #program: RegexProgram
  readonly #first: Instruction
  readonly #wide: boolean
  readonly #slots: number[]
  /** Changes of slots, to be undone: slot, old value, slot, ... */
  readonly #changes: number[] = []
  /** Places to go back to: the step, the place in the text, how many changes of slots are older, the step, ... */
  readonly #choices: number[] = []
  #text = ''
  #limit = 0
  #steps = 0
  #exceeded = false

  constructor(program: RegexProgram) {
    this.#program = program
    this.#first = program.steps[0]!
    this.#wide = program.flags.unicode || program.flags.unicodeSets
    this.#slots = new Array(program.slots).fill(-1)
  }

  /** Steps of the last search. */
  get steps(): number {
    return this.#steps
  }

  /** Whether the limit ended the last search. */
  get exceeded(): boolean {
    return this.#exceeded
  }

  /** Where the match begins and ends; undefined without a match, or where the limit ended the search. */
  search(text: string, lastIndex: number, limit: number): readonly [start: number, end: number] | undefined {
    this.#text = text
    this.#limit = limit
    this.#steps = 0
    this.#exceeded = false
    this.#slots.fill(-1)
    this.#changes.length = 0
    this.#choices.length = 0
    const { sticky } = this.#program.flags
    try {
      // The engine never begins between the halves of a character.
      const back = this.#wide && this.#next(lastIndex - 1, false).length === 2 ? 1 : 0
      for (let start = lastIndex - back; start <= text.length; start++) {
        if (this.#steps < limit && this.#failsAtOnce(start)) {
          this.#steps++
        } else {
          const end = this.#run(this.#program, start)
          if (end !== undefined) return [start, end]
        }
        if (sticky) break
        if (this.#wide && this.#next(start, false).length === 2) start++
      }
    } catch (error) {
      if (!(error instanceof Exceeded)) throw error
      this.#exceeded = true
    }
    return undefined
  }

  /** The places of the groups of the last search, which matched there. */
  match([start, end]: readonly [start: number, end: number]): NonNullable<Search['match']> {
    const groups = Array.from({ length: this.#program.groups }, (_, at) => this.#slots.slice(at * 2 + 2, at * 2 + 4))
    return [[start, end], ...groups.map(([from, to]) => (from! < 0 || to! < 0 ? undefined : ([from!, to!] as const)))]
  }

  /** Whether a run from a place ends with its first step: most do. */
  #failsAtOnce(start: number): boolean {
    const first = this.#first
    if (first.op === 'edge') return first.kind === 'start' && start > 0 && !this.#program.flags.multiline
    if (first.op !== 'take') return false
    const unit = this.#text.charCodeAt(start)
    return unit < TABLE && first.taker.units[unit] === LEFT
  }

  /**
   * Runs a program from a place; its end, or undefined. Slots keep what a success has saved. What comes often is done here and not in
   * functions of its own: where the engine counts blocks, it puts no function into another.
   */
  #run({ steps: program, backwards }: Program, start: number): number | undefined {
    const [text, limit, slots, changes, choices] = [this.#text, this.#limit, this.#slots, this.#changes, this.#choices]
    const [bottom, before] = [choices.length, changes.length]
    let steps = this.#steps
    let step = 0
    let at = start
    for (;;) {
      if (++steps > limit) {
        this.#steps = steps
        throw new Exceeded()
      }
      const instruction = program[step]!
      let next: number | undefined = at
      if (instruction.op === 'take') {
        const unit = text.charCodeAt(backwards ? at - 1 : at)
        const known = unit < TABLE ? instruction.taker.units[unit] : UNKNOWN
        if (known === TAKEN) next = backwards ? at - 1 : at + 1
        else next = known === LEFT ? undefined : this.#take(instruction.taker, at, backwards)
      } else if (instruction.op === 'split') {
        choices.push(instruction.second, at, changes.length)
        step = instruction.first
        continue
      } else if (instruction.op === 'jump') {
        step = instruction.to
        continue
      } else if (instruction.op === 'save') {
        changes.push(instruction.slot, slots[instruction.slot]!)
        slots[instruction.slot] = at
      } else if (instruction.op === 'moved') {
        if (slots[instruction.slot] === at) next = undefined
      } else if (instruction.op === 'match') {
        choices.length = bottom
        this.#steps = steps
        return at
      } else {
        this.#steps = steps
        next = this.#pass(instruction, at, backwards)
        steps = this.#steps
      }
      if (next !== undefined) {
        at = next
        step++
      } else if (choices.length === bottom) {
        this.#undo(before)
        this.#steps = steps
        return undefined
      } else {
        this.#undo(choices.pop()!)
        at = choices.pop()!
        step = choices.pop()!
      }
    }
  }

  /** Where the text goes on after a character; undefined when it is another one, or there is none. */
  #take(taker: Taker, at: number, backwards: boolean): number | undefined {
    const character = this.#next(at, backwards)
    if (character === '' || !taker.takes(character)) return undefined
    return backwards ? at - character.length : at + character.length
  }

  /** Where the text goes on after a step that is no character; undefined when it does not match. */
  #pass(instruction: Instruction, at: number, backwards: boolean): number | undefined {
    switch (instruction.op) {
      case 'clear':
        for (const slot of instruction.slots) {
          this.#changes.push(slot, this.#slots[slot]!)
          this.#slots[slot] = -1
        }
        return at
      case 'edge':
        return this.#isEdge(instruction.kind, at) === instruction.negate ? undefined : at
      case 'look':
        return this.#looks(instruction.program, instruction.negate, at) ? at : undefined
      case 'same':
        return this.#same(instruction.group, at, backwards)
      default:
        return undefined
    }
  }

  #looks(program: Program, negate: boolean, at: number): boolean {
    const before = this.#changes.length
    const found = this.#run(program, at) !== undefined
    if (negate) this.#undo(before)
    return found !== negate
  }

  /** A group that was not matched is the same as nothing. */
  #same(group: number, at: number, backwards: boolean): number | undefined {
    const [from, to] = this.#slots.slice(group * 2, group * 2 + 2)
    if (from! < 0 || to! < 0) return at
    const wanted = this.#text.slice(from, to)
    const start = backwards ? at - wanted.length : at
    this.#steps += wanted.length
    const found = start < 0 ? '' : this.#text.slice(start, start + wanted.length)
    const fold = (text: string): string => (this.#program.flags.ignoreCase ? text.toLowerCase() : text)
    return fold(found) === fold(wanted) ? (backwards ? start : at + wanted.length) : undefined
  }

  #isEdge(kind: 'start' | 'end' | 'word', at: number): boolean {
    const text = this.#text
    if (kind === 'word') return isWord(text[at - 1] ?? '') !== isWord(text[at] ?? '')
    const outside = kind === 'start' ? at - 1 : at
    if (outside < 0 || outside >= text.length) return true
    return this.#program.flags.multiline && '\n\r\u2028\u2029'.includes(text[outside]!)
  }

  #next(at: number, backwards: boolean): string {
    const text = this.#text
    const unit = backwards ? text[at - 1] : text[at]
    if (unit === undefined) return ''
    if (!this.#wide) return unit
    const pair = backwards ? text.slice(Math.max(0, at - 2), at) : text.slice(at, at + 2)
    return pair.length === 2 && pair.isWellFormed() && (pair.codePointAt(0) as number) > 0xffff ? pair : unit
  }

  #undo(count: number): void {
    const changes = this.#changes
    while (changes.length > count) {
      const old = changes.pop()!
      this.#slots[changes.pop()!] = old
    }
  }
}

function isWord(character: string): boolean {
  return character !== '' && /^\w$/.test(character)
}
