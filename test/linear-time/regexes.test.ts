import { describe, expect, it } from 'vitest'
import { hostileTexts } from '../support/hostile-texts.ts'
import { countSteps } from '../support/regex-steps.ts'
import { isFull } from '../support/sampled.ts'
import { sourceRegexes } from '../support/source-regexes.ts'

const LENGTH = isFull ? 1000 : 500
/** Steps for each character: an expression of linear time takes fewer, and any other takes more at this length. */
const PER_CHARACTER = 60

/** Whether all searches of a text, those that `replace` makes with a global expression, take few steps. */
function isLinear(regex: RegExp, text: string): boolean {
  let left = PER_CHARACTER * text.length
  for (let at = 0; at <= text.length; ) {
    const { match, steps, exceeded } = countSteps(regex, text, at, left)
    left -= steps
    if (exceeded || left < 0) return false
    const end = match?.[0]?.[1]
    if (end === undefined || !regex.global) return true
    at = Math.max(end, at + 1)
  }
  return true
}

const found = new Map<string, string | undefined>()

/** A text that takes too many steps, if there is one; equal expressions have the same. */
function slowText(regex: RegExp): string | undefined {
  const key = String(regex)
  if (!found.has(key)) {
    const text = [...new Set(hostileTexts(regex, LENGTH))].find(each => !isLinear(regex, each))
    const shown = (slow: string): string => `${JSON.stringify(slow.slice(0, 30))}... of ${slow.length} characters`
    found.set(key, text === undefined ? undefined : shown(text))
  }
  return found.get(key)
}

describe('a regular expression of src', () => {
  it.each(sourceRegexes())('%s takes time that grows no faster than the text', (_, regex) => {
    expect(slowText(regex)).toBeUndefined()
  })
})

describe('an expression that goes back too often', () => {
  it.each([
    ['at the end of a run', /\/+$/],
    ['between two loops', /^bytes[ \t]*=[ \t]*(\d*)[ \t]*-$/],
    ['in a loop of loops', /^(?:[a-z]+;?)*!$/],
    ['from every place', /[^/]*@/],
    ['behind an anchor', /^\/+|\/+$/g],
    ['from every beginning', /(^|\s)[#;].*$/],
    ['over and over', /a.*b/g],
    ['in one branch', /^(?:x|y(?:\s*,\s*)*)$/],
  ])('is found: %s', (_, regex) => {
    expect(slowText(regex)).toBeDefined()
  })
})
