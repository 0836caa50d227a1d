import { type AST, RegExpParser } from '@eslint-community/regexpp'

/** One step of a backtracking matcher. Places are indexes of the program. */
export type Instruction =
  | { readonly op: 'take'; readonly taker: Taker }
  | { readonly op: 'split'; readonly first: number; readonly second: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'save'; readonly slot: number }
  /** Forgets captures: each turn of a loop begins without those of the last. */
  | { readonly op: 'clear'; readonly slots: readonly number[] }
  /** Fails when nothing was taken since the slot was saved: an empty turn of a loop. */
  | { readonly op: 'moved'; readonly slot: number }
  | { readonly op: 'edge'; readonly kind: 'start' | 'end' | 'word'; readonly negate: boolean }
  | { readonly op: 'look'; readonly program: Program; readonly negate: boolean }
  | { readonly op: 'same'; readonly group: number }
  | { readonly op: 'match' }

/** A regular expression as steps; `backwards` is the inside of a lookbehind. */
export interface Program {
  readonly steps: Instruction[]
  readonly backwards: boolean
}

/** A whole expression. */
export interface RegexProgram extends Program {
  readonly flags: AST.Flags
  /** Numbers that a match keeps: two for each group, the whole first, then one for each loop. */
  readonly slots: number
  readonly groups: number
}

/** Translates an expression. */
export function compileRegex({ source, flags }: RegExp): RegexProgram {
  const { pattern, flags: parsed } = new RegExpParser().parseLiteral(`/${source}/${flags}`)
  const compiler = new Compiler(pattern, parsed)
  const steps = compiler.program(pattern.alternatives, false).steps
  return { steps, backwards: false, flags: parsed, slots: compiler.slots, groups: compiler.groups }
}

/** Elements of one character, by how they are written and the flags that count. */
const takers = new Map<string, Taker>()

/** UTF-16 units below this number have a place in `units`. */
export const TABLE = 256
/** What `units` says. */
export const UNKNOWN = 0
export const TAKEN = 1
export const LEFT = 2

/** Whether an element of one character takes it: the engine's own word, since the element is tried on the character alone. */
export class Taker {
  /** What is known of characters below `TABLE`. */
  readonly units: Uint8Array = new Uint8Array(TABLE)
  readonly #alone: RegExp
  readonly #known = new Map<string, boolean>()

  constructor(raw: string, flags: string) {
    this.#alone = new RegExp(`^${raw}$`, flags)
  }

  takes(character: string): boolean {
    let takes = this.#known.get(character)
    if (takes === undefined) {
      takes = this.#alone.test(character)
      this.#known.set(character, takes)
      if (character.length === 1 && character.charCodeAt(0) < TABLE) {
        this.units[character.charCodeAt(0)] = takes ? TAKEN : LEFT
      }
    }
    return takes
  }
}

class Compiler {
  slots: number
  readonly groups: number
  readonly #flags: AST.Flags
  readonly #groupOf = new Map<AST.CapturingGroup, number>()
  #steps: Instruction[] = []
  #backwards = false

  constructor(pattern: AST.Pattern, flags: AST.Flags) {
    this.#flags = flags
    const found = capturingGroups(pattern)
    for (const [at, group] of found.entries()) this.#groupOf.set(group, at + 1)
    this.groups = found.length
    this.slots = (found.length + 1) * 2
  }

  program(alternatives: readonly AST.Alternative[], backwards: boolean): Program {
    const outer = [this.#steps, this.#backwards] as const
    const steps: Instruction[] = (this.#steps = [])
    this.#backwards = backwards
    this.#alternatives(alternatives)
    steps.push({ op: 'match' })
    ;[this.#steps, this.#backwards] = outer
    return { steps, backwards }
  }

  #alternatives(alternatives: readonly AST.Alternative[]): void {
    const ends: number[] = []
    for (const [at, { elements }] of alternatives.entries()) {
      const isLast = at === alternatives.length - 1
      const split = isLast ? -1 : this.#hole()
      const ordered = this.#backwards ? [...elements].reverse() : elements
      for (const element of ordered) this.#element(element)
      if (isLast) break
      ends.push(this.#hole())
      this.#steps[split] = { op: 'split', first: split + 1, second: this.#steps.length }
    }
    for (const end of ends) this.#steps[end] = { op: 'jump', to: this.#steps.length }
  }

  #element(element: AST.Element): void {
    if (element.type === 'Group') this.#alternatives(element.alternatives)
    else if (element.type === 'CapturingGroup') this.#captured(element)
    else if (element.type === 'Quantifier') this.#repeated(element)
    else if (element.type === 'Assertion') this.#assertion(element)
    else if (element.type === 'Backreference') {
      this.#steps.push({ op: 'same', group: this.#groupOf.get([element.resolved].flat()[0]!)! })
    } else this.#steps.push({ op: 'take', taker: takerOf(element.raw, this.#flags) })
  }

  #captured(group: AST.CapturingGroup): void {
    const slot = this.#groupOf.get(group)! * 2
    const [before, after] = this.#backwards ? [slot + 1, slot] : [slot, slot + 1]
    this.#steps.push({ op: 'save', slot: before })
    this.#alternatives(group.alternatives)
    this.#steps.push({ op: 'save', slot: after })
  }

  #assertion(assertion: AST.Assertion): void {
    if (assertion.kind === 'lookahead' || assertion.kind === 'lookbehind') {
      const program = this.program(assertion.alternatives, assertion.kind === 'lookbehind')
      this.#steps.push({ op: 'look', program, negate: assertion.negate })
    } else {
      const negate = assertion.kind === 'word' && assertion.negate
      this.#steps.push({ op: 'edge', kind: assertion.kind, negate })
    }
  }

  #repeated({ element, min, max, greedy }: AST.Quantifier): void {
    for (let turn = 0; turn < min; turn++) this.#turn(element)
    const exits: number[] = []
    const endless = max === Number.POSITIVE_INFINITY
    for (let turn = min; turn < (endless ? min + 1 : max); turn++) {
      const split = this.#hole()
      exits.push(split)
      const slot = this.slots++
      this.#steps.push({ op: 'save', slot })
      this.#turn(element)
      this.#steps.push({ op: 'moved', slot })
      if (endless) this.#steps.push({ op: 'jump', to: split })
    }
    const after = this.#steps.length
    for (const split of exits) {
      const [first, second] = greedy ? [split + 1, after] : [after, split + 1]
      this.#steps[split] = { op: 'split', first, second }
    }
  }

  #turn(element: AST.QuantifiableElement): void {
    const inside = capturingGroups(element).map(group => this.#groupOf.get(group)!)
    if (inside.length > 0) this.#steps.push({ op: 'clear', slots: inside.flatMap(at => [at * 2, at * 2 + 1]) })
    this.#element(element)
  }

  /** A step that is filled in when its places are known. */
  #hole(): number {
    return this.#steps.push({ op: 'match' }) - 1
  }
}

/** What takes an element's character. */
export function takerOf(raw: string, { ignoreCase, unicode, unicodeSets, dotAll }: AST.Flags): Taker {
  const flags = `${ignoreCase ? 'i' : ''}${unicode ? 'u' : ''}${unicodeSets ? 'v' : ''}${dotAll ? 's' : ''}`
  const key = `${flags}/${raw}`
  let taker = takers.get(key)
  if (taker === undefined) takers.set(key, (taker = new Taker(raw, flags)))
  return taker
}

function capturingGroups(node: AST.Pattern | AST.Element | AST.Alternative): AST.CapturingGroup[] {
  const inner =
    'alternatives' in node
      ? node.alternatives
      : 'elements' in node
        ? node.elements
        : 'element' in node
          ? [node.element]
          : []
  const below = inner.flatMap(each => capturingGroups(each as AST.Element))
  return node.type === 'CapturingGroup' ? [node, ...below] : below
}
