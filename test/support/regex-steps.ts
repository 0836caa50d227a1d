import { compileRegex, type Instruction, type Program, type RegexProgram } from './regex-program.ts'

/** How a search ended, and what it cost. */
export interface Search {
  /** Places of the match and of its groups, as in `indices`; undefined without a match, or where the limit ended the search. */
  readonly match: ReadonlyArray<readonly [start: number, end: number] | undefined> | undefined
  /** Steps of a matcher that knows no short cut. */
  readonly steps: number
  readonly exceeded: boolean
}

const programs = new Map<string, RegexProgram>()

/**
 * Searches as `regex.exec(text)` does from `lastIndex` on, in steps that can be counted: at one place after the other, trying alternatives
 * in their order and going back to the last choice. A search that takes more than `limit` steps is given up.
 */
export function countSteps(regex: RegExp, text: string, lastIndex: number, limit: number): Search {
  const key = String(regex)
  let program = programs.get(key)
  if (program === undefined) programs.set(key, (program = compileRegex(regex)))
  return new Matcher(program, text, limit).search(lastIndex)
}

/** A place to go back to: the step, the place in the text, and how many changes of slots are older. */
type Choice = readonly [step: number, at: number, changes: number]

class Exceeded extends Error {}

class Matcher {
  readonly #program: RegexProgram
  readonly #text: string
  readonly #limit: number
  readonly #wide: boolean
  readonly #slots: number[]
  /** Changes of slots, to be undone: slot, old value, slot, ... */
  readonly #changes: number[] = []
  #steps = 0

  constructor(program: RegexProgram, text: string, limit: number) {
    this.#program = program
    this.#text = text
    this.#limit = limit
    this.#wide = program.flags.unicode || program.flags.unicodeSets
    this.#slots = new Array(program.slots).fill(-1)
  }

  search(lastIndex: number): Search {
    const { sticky } = this.#program.flags
    try {
      // The engine never begins between the halves of a character.
      const back = this.#wide && this.#next(lastIndex - 1, false).length === 2 ? 1 : 0
      for (let start = lastIndex - back; start <= this.#text.length; start++) {
        const end = this.#run(this.#program, start)
        if (end !== undefined) return { match: this.#match(start, end), steps: this.#steps, exceeded: false }
        if (sticky) break
        if (this.#wide && this.#next(start, false).length === 2) start++
      }
      return { match: undefined, steps: this.#steps, exceeded: false }
    } catch (error) {
      if (!(error instanceof Exceeded)) throw error
      return { match: undefined, steps: this.#steps, exceeded: true }
    }
  }

  #match(start: number, end: number): Search['match'] {
    const groups = Array.from({ length: this.#program.groups }, (_, at) => this.#slots.slice(at * 2 + 2, at * 2 + 4))
    return [[start, end], ...groups.map(([from, to]) => (from! < 0 || to! < 0 ? undefined : ([from!, to!] as const)))]
  }

  /** Runs a program from a place; its end, or undefined. Slots keep what a success has saved. */
  #run(program: Program, start: number): number | undefined {
    const choices: Choice[] = []
    const before = this.#changes.length
    let step = 0
    let at = start
    for (;;) {
      if (++this.#steps > this.#limit) throw new Exceeded()
      const instruction = program.steps[step]!
      if (instruction.op === 'match') return at
      if (instruction.op === 'split') {
        choices.push([instruction.second, at, this.#changes.length])
        step = instruction.first
        continue
      }
      const next = instruction.op === 'jump' ? at : this.#pass(instruction, at, program.backwards)
      if (next !== undefined) {
        at = next
        step = instruction.op === 'jump' ? instruction.to : step + 1
        continue
      }
      const choice = choices.pop()
      this.#undo(choice?.[2] ?? before)
      if (choice === undefined) return undefined
      ;[step, at] = choice
    }
  }

  /** Where the text goes on after a step; undefined when it does not match. */
  #pass(instruction: Instruction, at: number, backwards: boolean): number | undefined {
    switch (instruction.op) {
      case 'take': {
        const character = this.#next(at, backwards)
        if (character === '' || !instruction.takes(character)) return undefined
        return backwards ? at - character.length : at + character.length
      }
      case 'save':
        this.#set(instruction.slot, at)
        return at
      case 'clear':
        for (const slot of instruction.slots) this.#set(slot, -1)
        return at
      case 'moved':
        return this.#slots[instruction.slot] === at ? undefined : at
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
    const [before, after] = [this.#text[at - 1] ?? '', this.#text[at] ?? '']
    if (kind === 'word') return isWord(before) !== isWord(after)
    const outside = kind === 'start' ? before : after
    return outside === '' || (this.#program.flags.multiline && '\n\r\u2028\u2029'.includes(outside))
  }

  #next(at: number, backwards: boolean): string {
    const text = this.#text
    const unit = backwards ? text[at - 1] : text[at]
    if (unit === undefined) return ''
    if (!this.#wide) return unit
    const pair = backwards ? text.slice(Math.max(0, at - 2), at) : text.slice(at, at + 2)
    return pair.length === 2 && pair.isWellFormed() && (pair.codePointAt(0) as number) > 0xffff ? pair : unit
  }

  #set(slot: number, value: number): void {
    this.#changes.push(slot, this.#slots[slot]!)
    this.#slots[slot] = value
  }

  #undo(count: number): void {
    while (this.#changes.length > count) {
      const old = this.#changes.pop()!
      this.#slots[this.#changes.pop()!] = old
    }
  }
}

function isWord(character: string): boolean {
  return character !== '' && /^\w$/.test(character)
}
