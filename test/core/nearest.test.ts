import { describe, expect, it } from 'vitest'
import { s3Settings } from '../../src/backends/s3/settings/settings.ts'
import { hint, nearest } from '../../src/core/nearest.ts'

const options = Object.keys(s3Settings)

describe('nearest', () => {
  it.each([
    ['orgin', 'origin'],
    ['regionNmae', 'regionName'],
    ['region', 'regionName'],
    ['endpoint', 'endpointUrl'],
    ['Location', 'location'],
    ['base-url', 'baseUrl'],
    ['queryStringExpire', 'querystringExpire'],
    ['querystring', 'querystringAuth'],
    ['checksumAlgoritm', 'checksumAlgorithm'],
    ['multipartTreshhold', 'multipartThreshold'],
  ])('takes %s for %s', (word, wanted) => {
    expect(nearest(word, options)).toBe(wanted)
  })

  it.each(['foo', 'x', '', 'zzzzzzzz', '***'])('has no guess for %j', word => {
    expect(nearest(word, options)).toBeUndefined()
    expect(hint(nearest(word, options))).toBe('')
  })

  it('compares no word that is longer than any name', () => {
    const long = 'a'.repeat(101)
    expect([nearest(long, [long]), nearest('a'.repeat(100), ['a'.repeat(100)])]).toEqual([undefined, 'a'.repeat(100)])
  })

  it('prefers the candidate with the fewest edits, and of equals the first', () => {
    expect(nearest('meida', ['medias', 'media'])).toBe('media')
    expect(nearest('abcd', ['abcx', 'abcy'])).toBe('abcx')
  })
})
