import { describe, expect, test } from 'vitest'
import { NodeClient } from '../../src/http/node-client.ts'
import { parseXml, readXml } from '../../src/remote/xml.ts'
import { context, failure, serve } from '../http/support.ts'

const listing = `<?xml version="1.0" encoding="UTF-8"?>
<d:List xmlns:d="DAV:" kind="k&amp;1">
  <d:Item><Key>a &lt;b&gt; &#x20AC;<![CDATA[<&]]></Key><Size>1</Size></d:Item>
  <!-- nothing -->
  <d:Item><Key> two </Key></d:Item>
  <Empty/>
</d:List>`

describe('parseXml', () => {
  test.each(['&#x1;', '&#0;', '&#31;', '&#x0000B;', '&#65534;', '&#xffff;', '\u0002', '\ufffe'])(
    '%j, which XML 1.0 forbids, makes a document none, or becomes U+FFFD where that is wanted',
    async character => {
      const text = `<List><Key>a${character}b</Key><Key>&#9;&#10;&#x9;&#x20;c</Key></List>`
      expect(await failure(parseXml(text))).toMatchObject({ code: 'unavailable' })
      const root = await parseXml(text, { replacesForbidden: true })
      expect(root.children('Key').map(key => key.text)).toEqual(['a\ufffdb', '\t\n\t c'])
    },
  )

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

function nested(levels: number): string {
  return `${'<a>'.repeat(levels)}x${'</a>'.repeat(levels)}`
}

describe('a document that would cost more than its size', () => {
  test('may have 64 levels, and no more, however many', async () => {
    expect((await parseXml(nested(64))).text).toBe('x')
    for (const text of [nested(65), nested(100_000), '<a>'.repeat(100_000), `<a b=">">${nested(64)}</a>`]) {
      expect(await failure(parseXml(text))).toMatchObject({ code: 'unavailable', retryable: false })
    }
  })

  test('is measured by its markup, not by what only looks like it', async () => {
    const looks = '<a>'.repeat(100)
    const text = `<?x ${looks}?><r b="${'>'.repeat(100)}"><!-- ${looks} --><![CDATA[${looks}]]><c/><c d='/' /></r>`
    expect((await parseXml(text)).text).toBe(looks)
  })

  test('may not have millions of elements or attributes', async () => {
    const elements = `<a>${'<b/>'.repeat(600_000)}</a>`
    const attributes = `<a ${Array.from({ length: 600_000 }, (_, index) => `b${index}=""`).join(' ')}/>`
    for (const text of [elements, attributes]) {
      expect(await failure(parseXml(text))).toMatchObject({ code: 'unavailable', retryable: false })
    }
  })

  test('has no document type, whose entities would grow', async () => {
    const entities = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
    for (const text of [entities, `<!DOCTYPE a>${nested(100_000)}`, '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>']) {
      expect(await failure(parseXml(text))).toMatchObject({ code: 'unavailable' })
    }
  })
})

test('line ends are those of XML', async () => {
  expect((await parseXml('<a>1\r\n2\r3&#13;</a>')).text).toBe('1\n2\n3\r')
})

describe('an answer of endless length', () => {
  test('is given up at 16 MiB, and its connection is closed', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    await using server = await serve((_request, response) => {
      response.write('<a>')
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(1 << 20)));
      }
      response.on('drain', more).on('close', resolve)
      more()
    })
    const transport = new NodeClient()
    try {
      const answer = await transport.request({ method: 'GET', url: server.url, headers: {} }, context())
      expect(await failure(readXml(answer))).toMatchObject({ code: 'too_large', retryable: false })
      await closed
    } finally {
      await transport.close()
    }
  })
})
