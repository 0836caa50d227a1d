import { describe, expect, test } from 'vitest'
import { parseXml } from '../../src/http/xml.ts'
import { failure } from './support.ts'

const listing = `<?xml version="1.0" encoding="UTF-8"?>
<d:List xmlns:d="DAV:" kind="k&amp;1">
  <d:Item><Key>a &lt;b&gt; &#x20AC;<![CDATA[<&]]></Key><Size>1</Size></d:Item>
  <!-- nothing -->
  <d:Item><Key> two </Key></d:Item>
  <Empty/>
</d:List>`

describe('parseXml', () => {
  test('gives elements by their local names', async () => {
    const root = await parseXml(listing)
    expect(root.name).toBe('List')
    expect(root.attribute('kind')).toBe('k&1')
    expect(root.attribute('toString')).toBeUndefined()
    expect(root.children('Item').map(each => each.child('Key')?.text)).toEqual(['a <b> \u20ac<&', ' two '])
    expect(root.children().map(each => each.name)).toEqual(['Item', 'Item', 'Empty'])
    expect(root.path('Item', 'Size')?.text).toBe('1')
    expect(root.path('Empty', 'Size')).toBeUndefined()
    expect(root.child('Empty')?.text).toBe('')
  })

  test.each(['', 'no xml 5ec7e7', '<List><Key>5ec7e7</Key>', '<!DOCTYPE html><p>5ec7e7'])(
    '%j is unavailable, and is not quoted',
    async text => {
      const error = await failure(parseXml(text))
      expect(error).toMatchObject({ code: 'unavailable', retryable: true })
      expect(error.cause).toBeUndefined()
      expect(error.message).not.toContain('5ec7e7')
    },
  )
})
