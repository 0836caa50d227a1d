import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type JsonString, jsonStrings } from '../../../src/static/references/json/strings.ts'

/** The strings of a value and their paths, by walking through what `JSON.parse` makes. */
function* stringsOf(value: unknown, path: readonly (string | number)[]): Generator<Pick<JsonString, 'path' | 'value'>> {
  if (typeof value === 'string') yield { path, value }
  else if (Array.isArray(value)) for (const [at, item] of value.entries()) yield* stringsOf(item, [...path, at])
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) yield* stringsOf(item, [...path, key])
}

describe('strings of JSON', () => {
  test('are values with their paths and places; names are none', () => {
    const text = '\uFEFF{"a":"b",\r\n"c":["d",{"\\u0065":"\\u0066😀"}, [ ]],"g":{},"h":-1.5e+3,"i":null}'
    expect(jsonStrings(text, 9).map(({ path, value, start, end }) => [path, value, text.slice(start, end)])).toEqual([
      [['a'], 'b', '"b"'],
      [['c', 0], 'd', '"d"'],
      [['c', 1, 'e'], 'f😀', '"\\u0066😀"'],
    ])
  })

  test('are left out where they are deeper than asked for', () => {
    expect(jsonStrings('["a",["b",["c"]]]', 2).map(({ value }) => value)).toEqual(['a', 'b'])
    expect(jsonStrings('"a"', 0)).toEqual([{ path: [], value: 'a', start: 0, end: 3 }])
  })

  test('are those that JSON.parse gives, of any value', () => {
    const json = fc.json({ depthSize: 'medium' }).filter(text => !text.includes('"__proto__"'))
    fc.assert(
      fc.property(json, fc.constantFrom('', ' ', '\n\t'), (text, blank) => {
        const value = JSON.parse(text)
        const wide = JSON.stringify(value, undefined, blank)
        const expected = [...stringsOf(JSON.parse(wide), [])]
        const found = jsonStrings(wide, 100)
        // An object of JavaScript has names that are numbers before all others.
        const key = (string: Pick<JsonString, 'path' | 'value'>): string => JSON.stringify([string.path, string.value])
        expect(found.map(key).sort()).toEqual(expected.map(key).sort())
        for (const { value: each, start, end } of found) expect(JSON.parse(wide.slice(start, end))).toBe(each)
      }),
    )
  })

  test('a text is refused where JSON.parse refuses it', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '01',
      '1.',
      'true',
      'nul',
      'null',
      ' ',
      '\n',
      '\u00a0',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), words => {
        const text = words.join('')
        const isJson = outcome(() => JSON.parse(text))
        expect(
          outcome(() => jsonStrings(text, 9)),
          text,
        ).toBe(isJson)
      }),
      { numRuns: process.env['HOLDALL_TESTS'] === 'full' ? 5000 : 1000 },
    )
  })

  test.each([
    ['', 'a value in line 1'],
    ['{"a":\n}', 'a value in line 2'],
    ['{"a"\n\n1}', "':' in line 3"],
    ['{"a":1\r\n"b":2}', "',' or '}' in line 2"],
    ['[1\r2]', "',' or ']' in line 2"],
    ['{"a":1,}', 'a name in double quotes in line 1'],
    ["{'a':1}", 'a name in double quotes in line 1'],
    ['["a\n"]', 'a string in line 1'],
    ['["a', 'a string in line 1'],
    ['["\\x"]', 'a string in line 1'],
    ['{}\n{}', 'the end in line 2'],
    ['[1]]', 'the end in line 1'],
    ['{{ x }}', 'a name in double quotes in line 1'],
  ])('of %j it wants %s', (text, wanted) => {
    expect(() => jsonStrings(text, 9)).toThrow(new SyntaxError(`expected JSON: ${wanted}`))
  })
})

function outcome(run: () => unknown): boolean {
  try {
    run()
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError)
    return false
  }
}
