// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of JavaScript and templates
import { describe, expect, test } from 'vitest'
import { htmlFinder, htmlReferences } from '../../../src/static/references/html.ts'
import { found, rewritten, urls } from './finding.ts'

const find = (text: string) => found(htmlReferences, text)
const findUrls = (text: string) => urls(htmlReferences, text)
const rewrite = (text: string, url: string) => rewritten(htmlReferences, text, () => url)

/** In two parts, since tools look for it in this file too. */
const MAP = `//${'#'} sourceMappingURL=`

describe('a stylesheet in a page', () => {
  test.each([
    ['<p style="a:url(x.png)">', 'url(x.png)', '<p style="a:url(&quot;n.png&quot;)">'],
    ['<p style="a:url(\'x.png\') b">', "url('x.png')", '<p style="a:url(&quot;n.png&quot;) b">'],
    ['<p style="a:url(&quot;x.png&quot;)">', 'url(&quot;x.png&quot;)', '<p style="a:url(&quot;n.png&quot;)">'],
    ['<p style="a:url(&#34;x.png&#x22;)">', 'url(&#34;x.png&#x22;)', '<p style="a:url(&quot;n.png&quot;)">'],
    ["<p style='a:url(x.png)'>", 'url(x.png)', '<p style=\'a:url("n.png")\'>'],
    ['<p style=a:url(x.png)>', 'url(x.png)', '<p style=a:url(&quot;n.png&quot;)>'],
    ['<p style="&amp;{};a:url(x.png)">', 'url(x.png)', '<p style="&amp;{};a:url(&quot;n.png&quot;)">'],
    [
      '<svg style="a:url(x.png)"><path style="b:c"></svg>',
      'url(x.png)',
      '<svg style="a:url(&quot;n.png&quot;)"><path style="b:c"></svg>',
    ],
    ['<p style="a:url(x.png', 'url(x.png', ''],
    ['<style>a{b:url(x.png)}</style>', 'url(x.png)', '<style>a{b:url("n.png")}</style>'],
    [
      '<STYLE media=print type="TEXT/CSS">@import "x.png";</STYLE>',
      '@import "x.png"',
      '<STYLE media=print type="TEXT/CSS">@import url("n.png");</STYLE>',
    ],
    ['<style>a{b:url(x.png)}', 'url(x.png)', '<style>a{b:url("n.png")}'],
    [
      '<svg><style>&#123;a{b&colon;url(&quot;x.png&quot;)&NotEqualTilde;&amp;}</style></svg>',
      'url(&quot;x.png&quot;)',
      '<svg><style>&#123;a{b&colon;url("n.png")&NotEqualTilde;&amp;}</style></svg>',
    ],
    [
      '<svg><style></>a</>{b:url(x.png)} < {}</style></svg>',
      'url(x.png)',
      '<svg><style></>a</>{b:url("n.png")} < {}</style></svg>',
    ],
    ['<svg><style>a{b:url(x.png)}</style></svg>', 'url(x.png)', '<svg><style>a{b:url("n.png")}</style></svg>'],
  ])('%s', async (page, place, expected) => {
    if (expected === '') expect(await find(page)).toEqual([])
    else {
      expect(await find(page)).toEqual([['asset', place, 'x.png']])
      expect(await rewrite(page, 'n.png')).toBe(expected)
    }
  })

  test.each([
    '<style type="text/less">a{b:url(x.png)}</style>',
    '<svg><style><![CDATA[a{b:url(x.png)}]]></style></svg>',
    '<svg><style>a{}<!-- -->b{c:url(x.png)}</style></svg>',
    '<svg><style>a{}<a>b{c:url(x.png)}</a></style></svg>',
    '<svg><style/>a{b:url(x.png)}</svg>',
    '<p style="a:url(data:,x.png)">',
    '<p style="a:url({{ x }})">',
    '<p style="/* url(x.png) */">',
    '<p data-style="a:url(x.png)">',
  ])('is left alone in %s', async page => {
    expect(await findUrls(`${page}<img src=real.png>`)).toEqual(['real.png'])
  })

  test('is written so that it ends neither its element nor its quotes', async () => {
    const url = '</style>&lt;"\\\'.png'
    for (const page of ['<style>a{b:url(x.png)}</style>', '<svg><style>a{b:url(x.png)}</style></svg>']) {
      expect(await findUrls(`${await rewrite(page, url)}<img src=real.png>`), page).toContain('real.png')
      expect(await rewrite(page, url), page).not.toContain('</style>&')
    }
    for (const page of ['<p style="a:url(x.png)">', "<p style='a:url(x.png)'>", '<p style=a:url(x.png)>']) {
      expect(await findUrls(await rewrite(page, url)), page).toEqual([url])
    }
  })
})

describe('a script in a page', () => {
  test.each(['', ' type=text/javascript', ' type="application/javascript"', ' type=" TEXT/ECMAScript " nomodule'])(
    'of the classic kind may load modules: <script%s>',
    async attributes => {
      expect(await find(`<script${attributes}>"./a.js"; import('./b.js').then(b => b.start("c.js"))</script>`)).toEqual(
        [['module', "'./b.js'", './b.js']],
      )
    },
  )

  test('has references when it is a module or an import map', async () => {
    const page = `<script type="module">import './a.js'; new URL('b.png', import.meta.url)</script>
<script type="importmap">{ "imports": { "c": "./c.js" } }</script>
<script type=" MODULE ">import("./d.js")
${MAP}e.map
</script><svg><script type=module>import './f.js'</script></svg>`
    expect(await find(page)).toEqual([
      ['module', "'./a.js'", './a.js'],
      ['asset', "'b.png'", 'b.png'],
      ['module', '"./c.js"', './c.js'],
      ['module', '"./d.js"', './d.js'],
      ['sourceMap', `${MAP}e.map`, 'e.map'],
      ['module', "'./f.js'", './f.js'],
    ])
    expect(await rewrite(page, './n.js')).toBe(page.replace(/\.\/[acdf]\.js|b\.png|e\.map/g, './n.js'))
  })

  test.each([
    '<script type=text/babel>import("./a.js")</script>',
    '<script>import("./{{ a }}.js")</script>',
    '<script type="text/template"><img src=x></script>',
    '<script type=application/json>{"imports":{"a":"./a.js"}}</script>',
    '<script type=module src=b/>import "./a.js"</script>',
    '<script type=module>import "./a.js"; (</script>',
    '<script type=importmap>{"imports":{"a":"./a.js",}}</script>',
    '<script type=module></script>',
    '<script type=module>import "./{{ a }}.js"</script>',
  ])('is left alone where it is none, or cannot be read: %s', async page => {
    expect(await findUrls(`${page}<img src=real.png>`)).toEqual(['real.png'])
  })

  test('without its end never runs', async () => {
    expect(await findUrls('<img src=a><script type=module>import "./b.js"')).toEqual(['a'])
  })

  test('is written so that it does not end its element', async () => {
    for (const type of ['module', 'importmap']) {
      const content = type === 'module' ? 'import "./a.js"' : '{"imports":{"a":"./a.js"}}'
      for (const page of [
        `<script type=${type}>${content}</script>`,
        `<svg><script type=${type}>${content}</script></svg>`,
      ]) {
        const text = await rewrite(page, './</script><!--&amp;.js')
        expect(text.split('</script>')).toHaveLength(2)
        expect(await findUrls(`${text}<img src=real>`)).toContain('real')
      }
    }
  })

  test('is not read where modules are not', async () => {
    const page =
      '<script type=module>import "./a.js"</script><script type=importmap>{"imports":{"a":"./a.js"}}</script>'
    expect(await urls(htmlFinder({ modules: false }), `${page}<script type=module src=b.js></script>`)).toEqual([
      'b.js',
    ])
  })
})

describe('beside a Content-Security-Policy', () => {
  const policy = (content: string, kind = 'Content-Security-Policy') => `<meta http-equiv=${kind} content="${content}">`
  const digest = policy("script-src 'self' 'sha256-UfmmDj6k3HapTXkFo74DgVjjWgCf8XaE2t2uwVM6H7Q='")
  const outer = '<link rel=stylesheet href=a.css><script src=b.js></script>'
  const style = '<style>a{b:url(c.png)}</style><p style="a:url(d.png)">'
  const modules = '<link rel=modulepreload href=e.js><script type=module src=f.js></script>'

  test('with digests inline parts stay as they are', async () => {
    expect(await findUrls(`${digest}${outer}${style}${modules}`)).toEqual(['a.css', 'b.js', 'e.js', 'f.js'])
    expect(await findUrls(`${outer}${policy("style-src 'SHA512-x'")}${style}`)).toEqual(['a.css', 'b.js'])
  })

  test('with digests no module is loaded by a plain name and by one with a hash', async () => {
    for (const inline of ['<script>import("./f.js")</script>', '<script type=module>import "./f.js"</script>']) {
      expect(await findUrls(`${digest}${outer}${modules}${inline}`), inline).toEqual(['a.css', 'b.js'])
    }
  })

  test.each([
    policy("script-src 'self' 'nonce-x'"),
    policy("'sha256-x'", 'refresh'),
    '<meta name=x content="\'sha256-x\'">',
    `<!-- ${digest} -->`,
  ])('without digests they are read: %s', async page => {
    expect(await findUrls(`${page}${style}`)).toEqual(['c.png', 'd.png'])
  })
})

describe('<base href>', () => {
  test.each([
    ['/', '/a.png', '/b.png'],
    ['/static/app/', '/static/app/a.png', '/b.png'],
    ['/static/app/index.html?x#y', '/static/app/a.png', '/b.png'],
    ['https://a.example/c/', 'https://a.example/c/a.png', 'https://a.example/b.png'],
    ['//a.example/c/', '//a.example/c/a.png', '//a.example/b.png'],
  ])('%s makes a relative URL %s', async (base, relative, rooted) => {
    const page = (style: string) =>
      `<base href="${base}"><img src=a.png srcset="/b.png, http://x.example/y.png, //z.example/z.png">${style}`
    expect(
      await findUrls(page('<style>b{c:url(a.png?#iefix)}</style><script type=module>import "./a.png"</script>')),
    ).toEqual([relative, rooted, 'http://x.example/y.png', '//z.example/z.png', `${relative}?#iefix`, relative])
  })

  test.each(['', './', '.', 'index.html', '#x', '?x', 'data:,x', 'about:blank', 'mailto:a'])(
    '%j changes nothing',
    async base => {
      expect(await findUrls(`<base target=x><base href="${base}"><base href="/y/"><img src=a.png>`)).toEqual(['a.png'])
    },
  )

  test.each(['../x/', 'x/', 'x/y.html', '..', '{{ base }}', '/{{ base }}/'])(
    '%j is a SyntaxError: what is written would be relative to it too',
    async base => {
      await expect(find(`<p>\n<base href="${base}"><img src=a.png>`)).rejects.toThrow(
        new SyntaxError(`expected an absolute URL in <base href> of line 2, got '${base}'`),
      )
    },
  )

  test('is none in SVG', async () => {
    expect(await findUrls('<svg><base href="../x/"/></svg><img src=a.png>')).toEqual(['a.png'])
  })
})
