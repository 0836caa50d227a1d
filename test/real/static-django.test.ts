/**
 * Django's own `collectstatic` and ours on the same sources. What differs is listed, each kind with its reason; everything else is equal: the names in
 * the target, the bytes, the hashes, the manifest, the URLs.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseManifest, serializeManifest } from '../../src/core/static-manifest.ts'
import { RECORD_NAME } from '../../src/static/record.ts'
import { frontendsFolder } from '../servers/frontends.ts'
import { differences, pathsIn } from './static/differences.ts'
import { type DjangoSite, django, djangoCollects, needDjango } from './static/django.ts'
import { collected, staticFilesOf } from './static/ours.ts'
import { copyTree, filesIn, namesOf } from './static/places.ts'
import { TRICKS, treeOf } from './static/tricks.ts'

await needDjango()
const folder = await mkdtemp(join(tmpdir(), 'holdall-static-django-'))
const packages = join(frontendsFolder(), 'node_modules')
afterAll(() => rm(folder, { recursive: true, force: true }))

const MANIFEST = 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage'

function siteOf(root: string, ...folders: string[]): DjangoSite {
  return { storage: MANIFEST, settings: { STATIC_ROOT: root, STATICFILES_DIRS: folders } }
}

/** Writes a tree of its own. */
async function tree(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [file, text] of Object.entries(files)) {
    const path = join(folder, name, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  return join(folder, name)
}

test('what is compared with is what Debian packages', async () => {
  expect(await django(siteOf(join(folder, 'none')), 'version')).toBe('3.2.25')
})

describe("Django's admin", () => {
  const [source, ours, theirs] = ['admin', 'admin-ours', 'admin-theirs'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  beforeAll(async () => {
    const location = await django<string>(siteOf(theirs), 'location')
    await copyTree(join(location, 'contrib/admin/static'), source)
    expect(await djangoCollects(siteOf(theirs, source))).toMatch(/^\n1\d\d static files copied to /)
    await collected(staticFilesOf([source], ours))
  })

  test('there are the same names with the same bytes, and our record', async () => {
    const [own, their] = [await filesIn(ours), await filesIn(theirs)]
    expect(namesOf(their).length).toBeGreaterThan(230)
    expect(namesOf(own)).toEqual([...namesOf(their), RECORD_NAME].sort())
    for (const [name, bytes] of their) {
      // The order of the entries is that in which Django went through the files.
      if (name !== 'staticfiles.json') expect(own.get(name)!.equals(bytes), name).toBe(true)
    }
    expect(pathsIn(own)).toEqual(pathsIn(their))
  })

  test('Django reads our manifest and gives the same URLs, and we read that of Django', async () => {
    const names = [...pathsIn(await filesIn(ours)).keys()]
    const asked = [...names, 'admin/css/base.css?v=1#top', 'admin/css/', 'admin/css/nothing.css']
    const [byTheirs, byOurs] = await Promise.all(
      [theirs, ours].map(root => django<Record<string, string>>(siteOf(root), 'urls', { names: asked })),
    )
    expect(byOurs).toEqual(byTheirs)
    for (const root of [ours, theirs]) {
      const files = await staticFilesOf([], root).load()
      const urls = asked.map(name => {
        try {
          return [name, files.url(name)]
        } catch (error) {
          return [name, `ValueError: ${(error as Error).message}`]
        }
      })
      expect(Object.fromEntries(urls)).toEqual(byTheirs)
    }
  })

  test('a second run of ours over what Django has collected stores nothing but the record, and a run of Django over ours is served the same', async () => {
    const before = await filesIn(theirs)
    const events = await collected(staticFilesOf([source], theirs))
    const summary = events.at(-1)
    expect(summary).toMatchObject({ type: 'summary', copied: 0, postProcessed: 0, failed: 0, deleted: 0 })
    const after = await filesIn(theirs)
    expect(namesOf(after)).toEqual([...namesOf(before), RECORD_NAME].sort())
    expect(await djangoCollects(siteOf(ours, source))).toMatch(/^\n0 static files copied to '.*', 1\d\d unmodified/)
    expect(pathsIn(await filesIn(ours))).toEqual(pathsIn(before))
  })
})

/** The manifests of version 1.1, which Django writes since 4.2: its hash is Python's. */
test('the hash of a manifest of version 1.1 is the one that Django computes', async () => {
  const entries = {
    'css/a.css': 'css/a.0123456789ab.css',
    'ä/Ω/😀.png': 'ä/Ω/😀.0123456789ab.png',
    'a\\"b': 'a\\"b.1',
    a: 'a.2',
  }
  for (const paths of [{}, entries]) {
    const expected = await django<string>(siteOf(folder), 'manifest_hash', { paths })
    const text = serializeManifest(new Map(Object.entries(paths)), '1.1')
    expect(parseManifest(text, 'staticfiles.json').hash).toBe(expected)
  }
})

/** A text with names instead of hashes: those of files by what they are, any other one as `?`. */
function named(text: string, hashes: ReadonlyMap<string, string>): string {
  return text.replace(/\.([0-9a-f]{12})(?=\.)/g, (_, hash: string) => `.<${hashes.get(hash) ?? '?'}>`)
}

describe('sheets that Django does not understand', () => {
  test.each(TRICKS.map((trick, at) => ({ ...trick, at })))('$title', async trick => {
    const root = await tree(`trick-${trick.at}`, treeOf(trick))
    const [ours, theirs] = [`${root}-ours`, `${root}-theirs`]
    await collected(staticFilesOf([root], ours))
    const ran = djangoCollects(siteOf(theirs, root))
    if (trick.djangoFails !== undefined) await expect(ran).rejects.toThrow(trick.djangoFails)
    else await ran
    for (const [place, expected] of [
      [ours, trick.ours],
      [theirs, trick.django],
    ] as const) {
      if (expected === undefined) continue
      const files = await filesIn(place)
      const paths = pathsIn(files)
      const hashes = new Map<string, string>()
      for (const [name, as] of [
        ['img/x.png', 'x'],
        ['img/sp ace.png', 'ace'],
        ['css/other.css', 'other'],
        ['css/main.css.map', 'map'],
      ] as const)
        hashes.set(/\.([0-9a-f]{12})\./.exec(paths.get(name)!)![1]!, as)
      expect(named(files.get(paths.get('css/main.css')!)!.toString(), hashes)).toBe(expected)
    }
  })
})

/** Packages of npm, with how many files of each differ and why. Other versions of Django are compared by hand: see docs/static-files.md. */
const FRONT_ENDS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  '@fontsource': {},
  '@popperjs': { 'source map': 12, module: 84 },
  bootstrap: { 'source map': 48, module: 24 },
  'bootstrap-icons': {},
  codemirror: { module: 63 },
  commander: { module: 5 },
  'flag-icons': {},
  'highlight.js': { module: 196 },
  jquery: {},
  katex: { module: 4 },
  leaflet: { 'source map': 3, 'quotes around a fragment': 1, module: 1 },
  primeicons: {},
  prismjs: {},
  'reveal.js': { 'source map': 2, module: 15 },
  swiper: { 'module, source map': 34, module: 36, 'source map': 10 },
}

describe.each(Object.entries(FRONT_ENDS))('the package %s', (name, expected) => {
  test('has the same names, and other hashes only for a reason', async () => {
    const source = join(packages, name)
    const [ours, theirs] = [join(folder, 'npm-ours', name), join(folder, 'npm-theirs', name)]
    await djangoCollects(siteOf(theirs, source))
    const files = staticFilesOf([source], ours, { manifest: { version: '1.0', lenientFor: ['*'] } })
    await collected(files)
    const [own, their] = [await filesIn(ours), await filesIn(theirs)]
    const found = differences(own, their)
    const reasons: Record<string, number> = {}
    for (const [file, why] of found) {
      const key = why.join(', ') || `none: ${file}`
      reasons[key] = (reasons[key] ?? 0) + 1
    }
    expect(reasons).toEqual(expected)
    const isEqual = (file: string): boolean => !found.has(file)
    const [ownPaths, theirPaths] = [pathsIn(own), pathsIn(their)]
    expect([...ownPaths.keys()].sort()).toEqual([...theirPaths.keys()].sort())
    expect(new Map([...ownPaths].filter(([file]) => isEqual(file)))).toEqual(
      new Map([...theirPaths].filter(([file]) => isEqual(file))),
    )
    const hashed = new Set([...found.keys()].flatMap(file => [ownPaths.get(file), theirPaths.get(file)]))
    const alike = (names: readonly string[]) => names.filter(file => file !== RECORD_NAME && !hashed.has(file))
    expect(alike(namesOf(own))).toEqual(alike(namesOf(their)))
  })
})
