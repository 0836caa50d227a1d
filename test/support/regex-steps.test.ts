import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countSteps } from './regex-steps.ts'
import { sourceRegexes } from './source-regexes.ts'

const regexes = sourceRegexes()
/** What no expression of ours has, or few. */
const others = [
  /(?<=(a+)b)c/,
  /(?<!\bx)y\b/gu,
  /(a|ab)(c|bcd)(d*)/,
  /(?:(x)|y)*\1z/,
  /(a*)*b/,
  /(?=(a+))a*b\1/,
  /^$|\Bb/m,
]
/** Characters that many expressions tell from others. */
const common = [
  'a',
  'b',
  'x',
  'z',
  '0',
  '9',
  ' ',
  '\t',
  '\n',
  '\r',
  '\u2028',
  '/',
  '.',
  '-',
  '=',
  '"',
  'é',
  'É',
  '😀',
  '\ud800',
]

/** The same as `countSteps` gives, of the engine itself. */
function native(regex: RegExp, text: string, lastIndex: number): unknown {
  const indexed = new RegExp(
    regex.source,
    `${regex.flags.replace('y', '')}d${/[gy]/.test(regex.flags) ? '' : 'g'}${regex.sticky ? 'y' : ''}`,
  )
  indexed.lastIndex = lastIndex
  return indexed.exec(text)?.indices?.map(pair => pair)
}

describe('the matcher that counts steps', () => {
  it.each([...regexes, ...others.map(regex => [String(regex), regex] as const)])(
    'agrees with the engine on %s',
    (_, regex) => {
      const own = [...new Set(`${regex.source.replace(/\\[a-z]/gi, '')} `)]
      const unit = fc.oneof(fc.constantFrom(...own), fc.constantFrom(...common))
      fc.assert(
        fc.property(fc.string({ unit, maxLength: 14 }), fc.nat(3), (text, lastIndex) => {
          const at = Math.min(lastIndex, text.length)
          expect(countSteps(regex, text, at, 1e6).match).toEqual(native(regex, text, at))
        }),
        { numRuns: 60 },
      )
    },
  )

  it('counts what going back costs', () => {
    const steps = (regex: RegExp, length: number): number => countSteps(regex, `${'/'.repeat(length)}x`, 0, 1e7).steps
    for (const [regex, times] of [
      [/^\/+/, 2],
      [/\/+$/, 4],
    ] as const) {
      expect(steps(regex, 1000) / steps(regex, 500)).toBeCloseTo(times, 1)
    }
    expect(countSteps(/(a+)+$/, `${'a'.repeat(40)}b`, 0, 100_000)).toMatchObject({ exceeded: true, match: undefined })
  })
})
