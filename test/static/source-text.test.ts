import { describe, expect, test } from 'vitest'
import type { Reference } from '../../src/static/references/reference.ts'
import { SourceText } from '../../src/static/text.ts'

const REFERENCE: Omit<Reference, 'url' | 'start' | 'end'> = { kind: 'asset', write: url => `<${url}>` }

describe('a text that is no UTF-8', () => {
  const bytes = Buffer.concat([Buffer.from('\xe9 ', 'latin1'), Buffer.from('é.png €.png')])
  const source = new SourceText(bytes)
  const references = [...source.text.matchAll(/\S+\.png/g)].map(
    ([url], at): Reference => ({ ...REFERENCE, url, start: [2, 9][at]!, end: [2, 9][at]! + url.length }),
  )

  test('has URLs that are UTF-8', () => {
    expect(references.map(each => source.urlOf(each))).toEqual(['é.png', '€.png'])
  })

  test('gets URLs in UTF-8, and keeps its other bytes', () => {
    const after = source.rewritten(references, each => source.urlOf(each).replace('.', '.1f.'))
    expect(after).toEqual(Buffer.concat([Buffer.from('\xe9 ', 'latin1'), Buffer.from('<é.1f.png> <€.1f.png>')]))
    expect(source.rewritten(references, () => undefined)).toEqual(bytes)
  })
})

test('lines are counted in any order of offsets, and end with LF, CR or both', () => {
  const { text } = new SourceText(Buffer.from('a\nb\r\nc\rd\n'))
  const expected = [1, 1, 2, 2, 2, 3, 3, 4, 4, 5]
  const offsets = [...text].map((_, offset) => offset)
  for (const order of [offsets, offsets.toReversed(), [4, 3, 4, 5, 4, 9, 0, 9]]) {
    const fresh = new SourceText(Buffer.from(text))
    expect(order.map(offset => fresh.lineOf(offset))).toEqual(order.map(offset => expected[offset]))
  }
})
