// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of JavaScript and templates
import { describe, expect, test } from 'vitest'
import { htmlReferences } from '../../../src/static/references/html.ts'
import { found, rewritten, urls } from './finding.ts'

const find = (text: string) => found(htmlReferences, text)
const findUrls = (text: string) => urls(htmlReferences, text)
const rewrite = (text: string, url: string) => rewritten(htmlReferences, text, () => url)

describe('a page loads the file of', () => {
  test.each([
    '<script src=x></script>',
    '<img src="x">',
    "<IMG SRC='x'>",
    '<img\n alt src = "x"/>',
    '<image src=x>',
    '<source src=x>',
    '<video src=x></video>',
    '<video poster=x></video>',
    '<audio src=x></audio>',
    '<track src=x>',
    '<embed src=x>',
    '<object data=x></object>',
    '<input src=x type=image>',
    '<input type=" IMAGE " src=x>',
    '<body background=x>',
    '<table background=x><tr><td>',
    '<td background=x>',
    '<link rel=stylesheet href=x>',
    '<link href=x rel="alternate STYLESHEET">',
    '<link rel="shortcut icon" href=x>',
    '<link rel=apple-touch-icon href=x>',
    '<link rel=apple-touch-icon-precomposed href=x>',
    '<link rel=apple-touch-startup-image href=x>',
    '<link rel=mask-icon href=x>',
    '<link rel=manifest href=x>',
    '<link rel=preload as=font href=x>',
    '<link rel=prefetch href=x>',
    '<svg><image href=x></svg>',
    '<svg><image xlink:href=x /></svg>',
    '<svg><use href=x></use></svg>',
    '<svg><feImage href=x></feImage></svg>',
    '<svg><script href=x></script></svg>',
    '<template><img src=x></template>',
    '<noscript><img src=x></noscript>',
    '<svg><foreignObject><p><img src=x></foreignObject></svg>',
    '<svg><title><img src=x></title></svg>',
  ])('%s', async page => {
    expect(await find(page)).toEqual([['asset', 'x', 'x']])
  })

  test.each(['<script type=module src=x></script>', '<link rel=modulepreload href=x>'])(
    'a module in %s',
    async page => {
      expect(await find(page)).toEqual([['module', 'x', 'x']])
    },
  )

  test.each([
    '<a href=x>',
    '<area href=x>',
    '<iframe src=x></iframe>',
    '<frame src=x>',
    '<form action=x>',
    '<blockquote cite=x>',
    '<input src=x>',
    '<input type=text src=x>',
    '<link rel=canonical href=x>',
    '<link rel=alternate href=x>',
    '<link rel=next href=x>',
    '<link href=x>',
    '<link rel=icons href=x>',
    '<meta content=x>',
    '<img data-src=x alt=x>',
    '<img xsrc=x>',
    '<video data=x>',
    '<script href=x></script>',
    '<svg><a href=x></a><path href=x /><script src=x></script></svg>',
    '<svg><use href="#x"/></svg>',
    '<!-- <img src=x> -->',
    '<!--[if IE]><img src=x><![endif]-->',
    '<!doctype img src=x>',
    '<?img src=x>',
    '<![CDATA[<img src=x>]]>',
    '<textarea><img src=x></textarea>',
    '<title><img src=x></title>',
    '<iframe><img src=x></iframe>',
    '<xmp><img src=x></xmp>',
    '<noembed><img src=x></noembed>',
    '<script>document.write("<img src=x>")</script>',
    '<style>/* <img src=x> */</style>',
    '<img alt="<img src=x>">',
    '<img alt="src=x">',
    '<img src>',
    '<img src="">',
    '<img src=" ">',
    '<img src="a/">',
    '<img src=#x>',
    '<img src=?x>',
    '<img src="data:image/gif;base64,R0lGODlh">',
    '<img src="about:blank">',
    '<img src="{{ x }}.png">',
    "<img src='{% static x %}'>",
    '<img src="<%= x %>">',
    '<img src="${x}.png">',
    '<constructor src=x><toString src=x><__proto__ src=x>',
    '</img src=x>',
    'src="x" <p src=x> x < img src=x >',
  ])('none in %s', async page => {
    expect(await findUrls(`${page}<!-- --><img src=real>`)).toEqual(['real'])
  })

  test('none in a tag that is not ended, nor behind <plaintext>', async () => {
    expect(await findUrls('<img src=a><img src="b"')).toEqual(['a'])
    expect(await findUrls('<img src=a><plaintext><img src=b>')).toEqual(['a'])
  })
})

describe('the value of an attribute', () => {
  test.each([
    ['<img src="a.png?b=1&amp;c=2">', 'a.png?b=1&amp;c=2', 'a.png?b=1&c=2'],
    ['<img src="a.png?b=1&c=2">', 'a.png?b=1&c=2', 'a.png?b=1&c=2'],
    ['<img src=a.png?b&amp;c>', 'a.png?b&amp;c', 'a.png?b&c'],
    ['<img src="&#97;.p&#x6e;g">', '&#97;.p&#x6e;g', 'a.png'],
    ['<img src="&amp;&lt;&#x1f600;&NotEqualTilde;a">', '&amp;&lt;&#x1f600;&NotEqualTilde;a', '&<😀≂̸a'],
    ['<img src="a.png?b=1&copy=2&notit;&amp">', 'a.png?b=1&copy=2&notit;&amp', 'a.png?b=1&copy=2&notit;&'],
    ['<img src=" \n a.png\t">', 'a.png', 'a.png'],
    ['<img src="a\n\tb.png">', 'a\n\tb.png', 'ab.png'],
    ['<img src="a b.png">', 'a b.png', 'a b.png'],
    ['<img src="a.png" src="b.png" SRC=c.png>', 'a.png', 'a.png'],
    ['<p>😀<img title=😀 src="😀.png">', '😀.png', '😀.png'],
    ["\uFEFF<img src = \n'a.png'>", 'a.png', 'a.png'],
  ])('%s is read as a browser does', async (page, place, url) => {
    expect(await find(page)).toEqual([['asset', place, url]])
  })

  test.each([
    ['<img src="x">', '<img src="a\'b&quot;c&amp;d&lt;e>f=`%20g%0A">'],
    ["<img src='x'>", "<img src='a&#39;b\"c&amp;d&lt;e>f=`%20g%0A'>"],
    ['<img src=x>', '<img src=a&#39;b&quot;c&amp;d&lt;e&#62;f&#61;&#96;%20g%0A>'],
    ['<img src="&#120;">', '<img src="a\'b&quot;c&amp;d&lt;e>f=`%20g%0A">'],
    ['<img src=" x ">', '<img src=" a\'b&quot;c&amp;d&lt;e>f=`%20g%0A ">'],
  ])('%s is written with what its quotes need', async (page, expected) => {
    expect(await rewrite(page, 'a\'b"c&d<e>f=` g\n')).toBe(expected)
    expect(await findUrls(expected)).toEqual(['a\'b"c&d<e>f=`%20g%0A'])
  })
})

describe('srcset', () => {
  test('has a URL for each candidate, as its commas and parentheses say', async () => {
    const set = 'a.png, b,c.png 1x , d.png?x,y 2x,e.png 100w 50h (a, b.png), data:image/png;base64,AA== 3x,,f.png,'
    const expected = ['a.png', 'b,c.png', 'd.png?x,y', 'e.png', 'f.png']
    expect(await findUrls(`<img srcset="${set}">`)).toEqual(expected)
    expect(await findUrls(`<picture><source srcset='${set}'></picture>`)).toEqual(expected)
    expect(await findUrls(`<link rel=preload as=image imagesrcset="${set}">`)).toEqual(expected)
    expect(
      await findUrls(`<link rel=canonical imagesrcset="${set}"><a srcset="${set}"><svg><image srcset="a"></svg>`),
    ).toEqual([])
  })

  test('keeps what is around its URLs, with character references in them', async () => {
    const page = '<img srcset="&#32;a.png?b&amp;c 1x,\n d.png&#32;2x, &NotEqualTilde;e.png">'
    expect(await find(page)).toEqual([
      ['asset', 'a.png?b&amp;c', 'a.png?b&c'],
      ['asset', 'd.png', 'd.png'],
      ['asset', '&NotEqualTilde;e.png', '≂̸e.png'],
    ])
    expect(await rewrite(page, 'x y&"')).toBe(
      '<img srcset="&#32;x%20y&amp;&quot; 1x,\n x%20y&amp;&quot;&#32;2x, x%20y&amp;&quot;">',
    )
  })

  test('leaves a URL alone whose end is inside of a character reference', async () => {
    // The two code points of one reference, and a blank, are told apart in no way.
    expect(await find('<img srcset="a.png&NotEqualTilde;&#32;1x, b.png 2x">')).toEqual([['asset', 'b.png', 'b.png']])
  })
})

describe('an element with integrity', () => {
  test('is left alone, since the digest is that of the file as it is', async () => {
    expect(await findUrls('<script src=a.js integrity=sha384-x></script><script src=b.js integrity></script>')).toEqual(
      ['b.js'],
    )
    expect(await findUrls('<link rel=stylesheet integrity="sha384-x" href=a.css style="b:url(c.png)">')).toEqual([
      'c.png',
    ])
  })
})

test('SVG and MathML end where HTML does, so that <style> is read right behind them', async () => {
  for (const begin of ['<svg>', '<math>', '<svg><g><svg>', '<math><mi><svg>', '<svg><desc><svg>']) {
    expect(await findUrls(`${begin}<div><style>a{b:url("x&amp;<p>.png")}</style>`), begin).toEqual(['x&amp;<p>.png'])
    expect(await findUrls(`${begin}</svg></svg></math><style>a{b:url("x&amp;<p>.png")}</style>`), begin).toEqual([
      'x&amp;<p>.png',
    ])
  }
  expect(await findUrls('<svg/><style>a{b:url("<x.png")}</style>')).toEqual(['<x.png'])
  expect(await findUrls('<svg><desc/><style>a{b:url(x.png)}</style></svg>')).toEqual(['x.png'])
})
