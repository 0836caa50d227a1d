/** What users of other tools ran into with static files, one test for each. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { StorageError } from '../../src/core/errors.ts'
import type { StaticFilesOptions } from '../../src/static/options.ts'
import { StaticFiles } from '../../src/static/static-files.ts'
import { collect, namesIn, pathsIn, SourceMap, type Sources } from './support.ts'

/** Runs with a manifest over a target in memory. */
function site(sources: Sources, options: Partial<StaticFilesOptions> = {}) {
  const storage = new MemoryStorage({ baseUrl: '/static/' })
  const source = new SourceMap({ ...sources })
  const files = new StaticFiles({ storage, finders: [source], manifest: true, ...options })
  return { storage, source, files }
}

describe('hashes', () => {
  test('a change in a file renames every file that refers to it, directly or not', async () => {
    const { storage, source, files } = site({
      'a.css': '@import "b.css";',
      'b.css': '@import "c.css";',
      'c.css': 'i { color: red }',
      'other.css': 'b { color: red }',
    })
    await collect(files)
    const before = await pathsIn(storage)
    source.files_['c.css'] = 'i { color: blue }'
    await collect(files)
    const after = await pathsIn(storage)
    const changed = Object.keys(after).filter(name => after[name] !== before[name])
    expect(changed).toEqual(['a.css', 'b.css', 'c.css'])
    expect(await storage.readText(after['a.css']!)).toBe(`@import url("${after['b.css']}");`)
  })

  test('the hash in a name is that of the final bytes', async () => {
    const { createHash } = await import('node:crypto')
    const { storage, files } = site({ 'a.css': '@import "b.css";', 'b.css': 'i { color: red }' })
    await collect(files)
    for (const name of Object.values(await pathsIn(storage))) {
      const digest = createHash('md5')
        .update(await storage.readBytes(name))
        .digest('hex')
      expect(name.split('.')[1]).toBe(digest.slice(0, 12))
    }
  })

  test('files that import each other are one group: a change in one renames all of them, and what they import stays right', async () => {
    const cycle = {
      'a.css': '@import "b.css"; a { background: url(x.png) }',
      'b.css': '@import "c.css";',
      'c.css': '@import "a.css";',
      'self.css': '@import "self.css";',
      'x.png': 'x',
    }
    const { storage, source, files } = site(cycle)
    expect((await collect(files)).summary).toMatchObject({ failed: 0, postProcessed: 5 })
    const before = await pathsIn(storage)
    expect(await storage.readText(before['c.css']!)).toBe(`@import url("${before['a.css']}");`)
    expect(await storage.readText(before['self.css']!)).toBe(`@import url("${before['self.css']}");`)
    expect((await collect(files)).summary.postProcessed).toBe(0)
    source.files_['x.png'] = 'y'
    await collect(files)
    const after = await pathsIn(storage)
    for (const name of ['a.css', 'b.css', 'c.css']) expect(after[name]).not.toBe(before[name])
    expect(after['self.css']).toBe(before['self.css'])
  })

  test('a reference with a query or fragment leads to the stored file', async () => {
    const { storage, files } = site({
      'a.css': '@import url("sub/c.css?v=1#frag");',
      'sub/c.css': '@import "d.css";',
      'sub/d.css': 'i{}',
    })
    await collect(files)
    const paths = await pathsIn(storage)
    expect(await storage.readText(paths['a.css']!)).toBe(`@import url("${paths['sub/c.css']}?v=1#frag");`)
  })
})

describe('what is changed in a text', () => {
  test('what only looks like a reference stays, and the real one after it is found', async () => {
    const css =
      '/* url(no.png) https://themes.example.com/?url(no.png) */\n.bg-\\[url\\(\\\'no.png\\\'\\)\\] { content: "url(no.png)" }\nb { background: url( "x.png" ) }'
    const { storage, files } = site({ 'a.css': css, 'x.png': 'x' })
    expect((await collect(files)).warnings).toEqual([])
    const paths = await pathsIn(storage)
    expect(await storage.readText(paths['a.css']!)).toBe(css.replace('url( "x.png" )', `url("${paths['x.png']}")`))
  })

  test('data URIs come out byte for byte', async () => {
    const data = `url("data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg'><use fill='url(#a)' href='%23a'/><rect fill='url(%23a)'/></svg>")`
    const css = `a { background: ${data}; mask: url(data:image/png;base64,AA==) } b { background: url('x.png') } c::before { content: 'it"s' }`
    const { storage, files } = site({ 'a.css': css, 'x.png': 'x' })
    await collect(files)
    const paths = await pathsIn(storage)
    expect(await storage.readText(paths['a.css']!)).toBe(css.replace("url('x.png')", `url("${paths['x.png']}")`))
  })

  test('bytes that are no UTF-8, a byte order mark and line ends of Windows stay', async () => {
    const latin = Buffer.concat([
      Buffer.from('/* '),
      Buffer.from([0xe9, 0xff]),
      Buffer.from(' */\r\na{background:url(x.png)}'),
    ])
    const marked = Buffer.from('\ufeffa{background:url(x.png)}\r\n')
    const { storage, files } = site({ 'latin.css': latin, 'marked.css': marked, 'x.png': 'x' })
    await collect(files)
    const paths = await pathsIn(storage)
    const expected = (bytes: Buffer) =>
      Buffer.from(bytes.toString('latin1').replace('url(x.png)', `url("${paths['x.png']}")`), 'latin1')
    expect(await storage.readBytes(paths['latin.css']!)).toEqual(expected(latin))
    expect(await storage.readBytes(paths['marked.css']!)).toEqual(expected(marked))
  })
})

describe('references that lead nowhere', () => {
  const broken = {
    'css/a.css':
      'a { background: url(../img/no.png) }\n\nb { background: url(no2.png) }\n/*# sourceMappingURL=a.css.map */',
    'vendor/v.css': 'i { background: url(no3.png) }',
    'ok.css': 'b { color: red }',
  }

  test('all are listed with file and line, nothing is stored, and a source map is only a warning', async () => {
    const { storage, files } = site(broken)
    const run = await collect(files)
    expect(run.failures).toEqual([
      "css/a.css:1: The file 'img/no.png' could not be found (../img/no.png).",
      "css/a.css:3: The file 'css/no2.png' could not be found (no2.png).",
      "vendor/v.css:1: The file 'vendor/no3.png' could not be found (no3.png).",
    ])
    expect(run.warnings).toEqual(["css/a.css:4: The file 'css/a.css.map' could not be found (a.css.map)"])
    expect(await namesIn(storage)).toEqual([])
  })

  test('a bad file of a vendor can be excepted, and a lenient run goes on', async () => {
    const except = site(broken, { manifest: { lenientFor: ['vendor/**'] } })
    expect((await collect(except.files)).failures).toHaveLength(2)
    const lenient = site(broken, { manifest: { strict: false } })
    const run = await collect(lenient.files)
    expect(run.summary).toMatchObject({ failed: 0, warnings: 4, postProcessed: 3 })
    const paths = await pathsIn(lenient.storage)
    expect(await lenient.storage.readText(paths['vendor/v.css']!)).toBe(broken['vendor/v.css'])
  })

  test('a file whose name differs only in letter case is named', async () => {
    const { files } = site({ 'a.css': 'a { background: url(img/logo.png) }', 'img/Logo.PNG': 'x' })
    expect((await collect(files)).failures).toEqual([
      "a.css:1: The file 'img/logo.png' could not be found (img/logo.png); there is 'img/Logo.PNG', whose letter case differs.",
    ])
  })

  test('two files that differ only in letter case are reported before they are stored', async () => {
    const { files } = site({ 'a/Logo.png': '1', 'a/logo.png': '2' })
    const { events } = await collect(files)
    const warning = events.findIndex(event => event.type === 'warning' && /letter case/.test(event.message))
    expect(warning).toBeGreaterThanOrEqual(0)
    expect(warning).toBeLessThan(events.findIndex(event => event.type === 'copied'))
  })
})

test('equal sources give equal bytes, in whatever order they are read', async () => {
  const sources: Sources = {
    'b/x.css': '@import "y.css";'.repeat(30),
    'b/y.css': 'i { color: red }'.repeat(50),
    'ä.txt': 't'.repeat(999),
  }
  const contents = async (given: Sources) => {
    const { storage, files } = site(given, { compress: { codings: ['br', 'gzip', 'zstd'] } })
    await collect(files)
    const names = await namesIn(storage)
    const known = names.filter(name => name !== 'staticfiles.collected.json')
    return Promise.all(known.map(async name => [name, (await storage.readBytes(name)).toString('base64')]))
  }
  const one = await contents(sources)
  const other = await contents(Object.fromEntries(Object.entries(sources).reverse()))
  expect(one.length).toBeGreaterThan(10)
  expect(other).toEqual(one)
  // Neither time nor name are in a gzip header. (RFC 1952 2.3)
  const packed = one.filter(([name]) => name!.endsWith('.gz')).map(([, bytes]) => Buffer.from(bytes!, 'base64'))
  for (const bytes of packed) expect([...bytes.subarray(0, 8)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])
})

test('only names that the run made are for ever, never by their look', async () => {
  const looks = {
    'logo-20240608.png': '1',
    'apple-touch-icon.png': '2',
    'mstile-150x150.png': '3',
    'a.0123456789ab.css': 'i{}',
  }
  const { storage, files } = site(looks)
  await collect(files)
  await files.load()
  for (const name of Object.keys(looks)) {
    expect((await storage.stat(name)).cacheControl).toBeUndefined()
    expect(files.isImmutable(name)).toBe(false)
  }
  for (const name of Object.values(await pathsIn(storage))) {
    expect((await storage.stat(name)).cacheControl).toContain('immutable')
    expect(files.isImmutable(name)).toBe(true)
  }
})

describe('runs that fail', () => {
  test('at whatever write it fails, the former manifest stays and all that it names can be read; the next run mends it', async () => {
    const first = { 'a.css': '@import "b.css";', 'b.css': 'i { color: red }', 'gone.css': 'u{}' }
    const second = { 'a.css': '@import "b.css"; b{}', 'b.css': 'i { color: blue }', 'new.css': 'p{}' }
    for (let fails = 1; ; fails++) {
      const { storage, source, files } = site(first)
      await collect(files)
      const before = await storage.readText('staticfiles.json')
      source.files_ = { ...second }
      let count = 0
      let stopped = false
      const { driver } = storage.calls
      const write = driver.write.bind(driver)
      let isManifestWritten = false
      driver.write = async (...args) => {
        if (++count >= fails) {
          stopped = true
          throw new StorageError('permission_denied', 'no more')
        }
        isManifestWritten ||= args[0] === 'staticfiles.json'
        return write(...args)
      }
      await collect(files, { clear: fails % 2 === 0, deleteStale: true, keep: 0 }).catch(() => {})
      driver.write = write
      const now = await storage.readText('staticfiles.json')
      for (const name of Object.values(await pathsIn(storage))) expect(await storage.exists(name), name).toBe(true)
      if (!stopped) break
      if (!isManifestWritten) expect(now, `write ${fails}`).toBe(before)
      expect((await collect(files, { deleteStale: true, keep: 0 })).summary.failed).toBe(0)
      expect(Object.keys(await pathsIn(storage))).toEqual(Object.keys(second).sort())
      expect(await storage.exists(JSON.parse(before).paths['gone.css'])).toBe(false)
      expect(fails).toBeLessThan(20)
    }
  })

  test('entries whose source is gone leave the manifest at the next good run', async () => {
    const { storage, source, files } = site({ 'a.css': 'i{}', 'b.css': 'b{}' })
    await collect(files)
    delete source.files_['b.css']
    await collect(files)
    expect(Object.keys(await pathsIn(storage))).toEqual(['a.css'])
  })

  test('a file that changes while it is collected fails alone, and no wrong bytes get its name', async () => {
    const { storage, source, files } = site({ 'a.css': '@import "b.css";', 'b.css': 'i{}', 'c.txt': 'c' })
    let reads = 0
    source.onRead = name => {
      if (name === 'c.txt' && ++reads > 2) source.files_['c.txt'] = 'changed'
    }
    const run = await collect(files)
    expect(run.failures).toEqual(["'memory:c.txt' was changed while it was collected; run it again."])
    expect(run.summary.copied).toBe(2)
    expect(await storage.exists('staticfiles.json')).toBe(false)
  })
})

test('two runs at a time end with the whole manifest of one of them', async () => {
  const storage = new MemoryStorage({ baseUrl: '/static/' })
  const versions = ['one', 'two'].map(version => {
    const sources = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`f${at}.css`, `/* ${version} ${at} */`]))
    return new StaticFiles({ storage, finders: [new SourceMap(sources)], manifest: true })
  })
  await Promise.all(versions.map(files => collect(files, { deleteStale: true })))
  const paths = Object.entries(await pathsIn(storage))
  expect(paths).toHaveLength(50)
  const contents = await Promise.all(paths.map(([, stored]) => storage.readText(stored)))
  const [, version] = contents[0]!.split(' ')
  expect(contents).toEqual(paths.map(([name]) => `/* ${version} ${/\d+/.exec(name)![0]} */`))
})

describe('compressed siblings', () => {
  const long = (text: string) => text.repeat(100)

  test('are made anew when their file changes, and go when it is left plain or gone', async () => {
    const { storage, source, files } = site(
      { 'a.css': long('a { color: red }\n'), 'b.css': long('b{}\n') },
      { compress: true, manifest: false },
    )
    await collect(files)
    expect(await namesIn(storage)).toEqual([
      'a.css',
      'a.css.br',
      'a.css.gz',
      'b.css',
      'b.css.br',
      'b.css.gz',
      'staticfiles.collected.json',
    ])
    const { brotliDecompressSync, gunzipSync } = await import('node:zlib')
    const unpacked = async () => [
      brotliDecompressSync(await storage.readBytes('a.css.br')).toString(),
      gunzipSync(await storage.readBytes('a.css.gz')).toString(),
    ]
    expect(await unpacked()).toEqual([source.files_['a.css'], source.files_['a.css']])
    const { contentType, contentEncoding } = await storage.stat('a.css.br')
    expect([contentType, contentEncoding]).toEqual(['text/css', 'br'])
    source.files_['a.css'] = long('a { color: blue }\n')
    delete source.files_['b.css']
    await collect(files)
    expect(await unpacked()).toEqual([source.files_['a.css'], source.files_['a.css']])
    expect(await namesIn(storage)).toEqual(['a.css', 'a.css.br', 'a.css.gz', 'b.css', 'staticfiles.collected.json'])
    source.files_['a.css'] = 'a{}'
    await collect(files)
    expect(await namesIn(storage)).toEqual(['a.css', 'b.css', 'staticfiles.collected.json'])
  })

  test('are gone before their file changes, so that no old one is served beside new bytes', async () => {
    const { storage, source, files } = site({ 'a.css': long('a{}\n') }, { compress: true, manifest: false })
    await collect(files)
    source.files_['a.css'] = long('b{}\n')
    const { driver } = storage.calls
    const write = driver.write.bind(driver)
    const beside: string[][] = []
    driver.write = async (key, ...rest) => {
      if (key === 'a.css') beside.push(await namesIn(storage))
      return write(key, ...rest)
    }
    await collect(files)
    expect(beside).toEqual([['a.css', 'staticfiles.collected.json']])
  })

  test('what grows, is small, or is packed already is left plain', async () => {
    const { randomBytes } = await import('node:crypto')
    const sources = {
      'random.txt': randomBytes(2000),
      'small.css': 'a{}',
      'photo.png': long('x'),
      'data.json.gz': long('y'),
    }
    const { storage, files } = site(sources, { compress: true, manifest: false })
    await collect(files)
    expect(await namesIn(storage)).toEqual([...Object.keys(sources), 'staticfiles.collected.json'].sort())
  })

  test('a second run compresses nothing', async () => {
    const { storage, files } = site({ 'a.css': long('a{}\n'), 'b.css': long('@import "a.css";') }, { compress: true })
    await collect(files)
    const etags = async () =>
      Promise.all((await namesIn(storage)).map(async name => [name, (await storage.stat(name)).etag]))
    const before = await etags()
    expect(before.filter(([name]) => name!.endsWith('.br'))).toHaveLength(4)
    expect((await collect(files)).summary).toMatchObject({ copied: 0, postProcessed: 0 })
    expect(await etags()).toEqual(before)
  })

  test('those that the sources bring stay as they are', async () => {
    const { storage, files } = site(
      { 'a.css': long('a{}\n'), 'a.css.br': 'theirs' },
      { compress: true, manifest: false },
    )
    await collect(files)
    expect(await storage.readText('a.css.br')).toBe('theirs')
    expect((await collect(files)).summary.unmodified).toBe(2)
  })
})

describe('a storage that signs its URLs', () => {
  const signed = new S3Storage({ bucketName: 'b', accessKey: 'k', secretKey: 's', regionName: 'eu-central-1' })
  afterAll(() => signed.close())
  beforeAll(() => expect(signed.supports('signedUrl')).toBe(true))

  test('has no URLs for static files: that is an error which names the setting', async () => {
    const files = await new StaticFiles({ storage: signed, finders: [] }).load()
    expect(() => files.url('a.css')).toThrow(/S3Storage has none: .*signed.*AWS_QUERYSTRING_AUTH/)
    const own = await new StaticFiles({ storage: signed, finders: [], baseUrl: 'https://cdn.example.com/s/' }).load()
    expect(own.url('a.css')).toBe('https://cdn.example.com/s/a.css')
  })
})
