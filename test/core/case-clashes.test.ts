import { expect, test } from 'vitest'
import { caseClashes, foldedName } from '../../src/core/case-clashes.ts'

test('names that differ in letter case only are found, in the order in which they came', () => {
  const names = ['b/X.css', 'a.css', 'A.css', 'c.css', 'B/x.css', 'a.css', 'a.CSS', 'A.css']
  expect(caseClashes(names)).toEqual([
    ['a.css', 'A.css', 'a.CSS'],
    ['b/X.css', 'B/x.css'],
  ])
})

test('names that differ in Unicode form only are found', () => {
  expect(caseClashes(['caf\u00e9.css', 'cafe\u0301.css', 'CAFE\u0301.css', 'cafe.css'])).toEqual([
    ['caf\u00e9.css', 'cafe\u0301.css', 'CAFE\u0301.css'],
  ])
  // The sigma at the end of a word and the others, and letters that have no other case.
  expect(caseClashes(['\u03bb\u03bf\u03c2', '\u03bb\u03bf\u03c3', '\u65e5\u672c', '\u65e5'])).toEqual([
    ['\u03bb\u03bf\u03c2', '\u03bb\u03bf\u03c3'],
  ])
})

test('different names, and the same name again, are no clash', () => {
  expect(caseClashes(['a.css', 'a.css', 'b.css', 'a/b.css', 'toString', '__proto__', ''])).toEqual([])
  expect(foldedName('a-1')).not.toBe(foldedName('a_1'))
})

test('100,000 names that are all the same but for their case are gone through at once', () => {
  const names = Array.from({ length: 100_000 }, (_, at) =>
    Array.from('abcdefghijklmnopq', (letter, bit) => ((at >> bit) & 1 ? letter.toUpperCase() : letter)).join(''),
  )
  const [clash, ...others] = caseClashes(names)
  expect([clash?.length, others]).toEqual([100_000, []])
})
