import { type AST, RegExpParser } from '@eslint-community/regexpp'
import { takerOf } from './regex-program.ts'

/** Characters of many classes. */
const CHARACTERS = [...' \t\n\u2028a0Z_-/.:=,;"\'#@?*+%()[]<>&\\\u0000\u0301éß😀'].concat('\ud800')
/** Endings that few expressions match. */
const ENDINGS = ['', '\u0000', '\n!', 'é']

/**
 * Texts of about `length` characters that lead into each loop of an expression, go round in it, and end so that it has to be left again.
 * What goes round is each character that the loop takes, and the pairs of them.
 */
export function* hostileTexts({ source, flags }: RegExp, length: number): Generator<string> {
  const { pattern, flags: parsed } = new RegExpParser().parseLiteral(`/${source}/${flags}`)
  for (const { before, loop } of loopsOf(pattern.alternatives, '', parsed)) {
    for (const unit of unitsOf(loop, parsed)) {
      // An expression that is tried at every place begins again at each, and one that is anchored does not get over the first.
      const again = before + unit.repeat(3)
      for (const middle of [before + unit.repeat(length / unit.length), again.repeat(length / again.length)]) {
        for (const end of ENDINGS) yield* [middle + end, `\u0001${middle}${end}`]
      }
    }
  }
}

interface Loop {
  /** A text that matches all that stands before the loop. */
  readonly before: string
  readonly loop: AST.Quantifier
}

function* loopsOf(alternatives: readonly AST.Alternative[], outer: string, flags: AST.Flags): Generator<Loop> {
  for (const { elements } of alternatives) {
    let before = outer
    for (const element of elements) {
      if (element.type === 'Quantifier' && element.max > 100) yield { before, loop: element }
      const inner = element.type === 'Quantifier' ? element.element : element
      if ('alternatives' in inner) yield* loopsOf(inner.alternatives, before, flags)
      before += sampleOf(element, flags)
    }
  }
}

function unitsOf({ element }: AST.Quantifier, flags: AST.Flags): Set<string> {
  const taken = 'alternatives' in element ? [] : taking(element, flags).slice(0, 6)
  const pairs = taken.flatMap(one => taken.map(other => one + other))
  const whole = 'alternatives' in element ? element.alternatives.map(each => sampleOfAll(each.elements, flags)) : []
  return new Set([...taken, ...pairs, ...whole].filter(Boolean))
}

function sampleOfAll(elements: readonly AST.Element[], flags: AST.Flags): string {
  return elements.map(element => sampleOf(element, flags)).join('')
}

/** A short text that an element matches. */
function sampleOf(element: AST.Element, flags: AST.Flags): string {
  if (element.type === 'Quantifier') return sampleOf(element.element, flags).repeat(Math.max(1, element.min))
  if (element.type === 'Assertion' || element.type === 'Backreference') return ''
  if ('alternatives' in element) return sampleOfAll(element.alternatives[0]!.elements, flags)
  return taking(element, flags)[0] ?? ''
}

function taking(element: AST.Element, flags: AST.Flags): string[] {
  const characters = element.type === 'Character' ? [String.fromCodePoint(element.value)] : CHARACTERS
  const taker = takerOf(element.raw, flags)
  return characters.filter(character => taker.takes(character))
}
