import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PackageFinder } from '../../../src/static/finders/packages.ts'
import { listed, namesOf, Tree, textOf } from './fixture.ts'

const project = () =>
  new Tree({
    'node_modules/bootstrap/package.json': '{ "exports": { "./js": "./dist/js/x.js" } }',
    'node_modules/bootstrap/dist/css/b.css': 'bootstrap',
    'node_modules/bootstrap/scss/b.scss': '',
    'node_modules/@acme/forms/static/forms/f.css': 'forms',
    'node_modules/@acme/forms/src/f.ts': '',
    'node_modules/font/index.css': 'font',
    'node_modules/font/files/f.woff2': '',
    'node_modules/font/node_modules/dep/index.js': '',
    'app/holdall.config.ts': '',
  })

const refused = (message: string) => expect.objectContaining({ code: 'improperly_configured', message })

test('a package stands for its folder static, a path for a folder of the package', async () => {
  using tree = project()
  const entries = ['@acme/forms', 'bootstrap/dist', ['vendor/b', 'bootstrap/dist/css/']] as const
  const finder = new PackageFinder(entries, { base: tree.at('app') })
  expect(await namesOf(finder)).toEqual(['forms/f.css', 'css/b.css', 'vendor/b/b.css'])
  const modules = tree.at('node_modules')
  expect(finder.locations).toEqual(
    ['@acme/forms/static', 'bootstrap/dist', 'bootstrap/dist/css'].map(name => join(modules, name)),
  )
  const [file] = await finder.find('vendor/b/b.css')
  expect([file?.path, await textOf(file)]).toEqual([join(modules, 'bootstrap/dist/css/b.css'), 'bootstrap'])
  expect(await finder.find('../scss/b.scss')).toEqual([])
})

test('a dot stands for the whole package, without the packages in it', async () => {
  using tree = project()
  const finder = new PackageFinder([['fonts', 'font/.']], { base: tree.path })
  expect(await namesOf(finder)).toEqual(['fonts/files/f.woff2', 'fonts/index.css'])
})

test('the nearest package is meant, and none of a folder named node_modules in another', async () => {
  using tree = project()
  tree.write('app/node_modules/bootstrap/dist/near.css')
  tree.write('node_modules/node_modules/bootstrap/dist/never.css')
  const at = (base: string) => namesOf(new PackageFinder(['bootstrap/dist'], { base: tree.at(base) }))
  expect(await at('app')).toEqual(['near.css'])
  expect(await at('app/deep/er')).toEqual(['near.css'])
  expect(await at('.')).toEqual(['css/b.css'])
  expect(await at('node_modules/font')).toEqual(['css/b.css'])
})

test("links of pnpm and of workspaces are followed, and a package's own links, too", async () => {
  using tree = new Tree({
    'node_modules/.pnpm/icons@1.0.0/node_modules/icons/font/i.woff2': 'icons',
    'packages/ui/static/ui.css': 'ui',
  })
  tree.link('node_modules/icons', '.pnpm/icons@1.0.0/node_modules/icons')
  tree.link('node_modules/@me/ui', '../../packages/ui')
  tree.link('packages/ui/static/self', '..')
  const { names, skipped } = await listed(new PackageFinder(['icons/font', '@me/ui'], { base: tree.path }))
  expect(names).toEqual(['i.woff2', 'ui.css'])
  expect(skipped).toEqual([
    [tree.at('node_modules/@me/ui/static/self/static'), 'it leads back to a folder above it', false],
  ])
})

test('a package that is not installed is named with the command that installs it, when it is first needed', async () => {
  using tree = project()
  const finder = new PackageFinder(['@acme/gone/dist'], { base: tree.at('app') })
  const message = `STATICFILES_PACKAGES: the package '@acme/gone' is not installed in a node_modules of '${tree.at('app')}' or above. Install it: npm i @acme/gone`
  await expect(listed(finder)).rejects.toThrow(refused(message))
  await expect(finder.find('a.css')).rejects.toThrow(refused(message))
  expect(() => finder.locations).toThrow(refused(message))
  tree.write('node_modules/@acme/gone/dist/a.css')
  expect(await namesOf(finder)).toEqual(['a.css'])
})

test("Yarn's archives of packages are named where they are the reason", async () => {
  using tree = new Tree({ '.pnp.cjs': '', 'app/x': '' })
  await expect(listed(new PackageFinder(['bootstrap/dist'], { base: tree.at('app') }))).rejects.toThrow(
    refused(
      `STATICFILES_PACKAGES: the package 'bootstrap' is not installed in a node_modules of '${tree.at('app')}' or above. Yarn Plug'n'Play keeps packages in archives, which are not supported: set nodeLinker: node-modules in .yarnrc.yml.`,
    ),
  )
})

test('a folder that a package has not is named with those that it has', async () => {
  using tree = project()
  const error = (spec: string) =>
    listed(new PackageFinder([spec], { base: tree.path })).catch(({ message }: Error) => message)
  const root = tree.at('node_modules/bootstrap')
  expect(await error('bootstrap')).toBe(
    `STATICFILES_PACKAGES: the package 'bootstrap' has no folder 'static'. A package without a path stands for its folder 'static'. The folders in '${root}' are: dist, scss.`,
  )
  expect(await error('bootstrap/dist/js')).toBe(
    `STATICFILES_PACKAGES: the package 'bootstrap' has no folder 'dist/js'. The folders in '${root}/dist' are: css.`,
  )
  expect(await error('bootstrap/lib/js')).toBe(
    `STATICFILES_PACKAGES: the package 'bootstrap' has no folder 'lib/js'. The folders in '${root}' are: dist, scss.`,
  )
  expect(await error('bootstrap/dist/css/b.css')).toBe(
    `STATICFILES_PACKAGES: '${root}/dist/css/b.css' is no folder. There are no folders in '${root}/dist/css'.`,
  )
  for (let at = 0; at < 30; at++) tree.write(`node_modules/many/${at + 10}/x`)
  expect(await error('many')).toMatch(/are: 10, 11, .*, 29 \.\.\.$/)
})

test.each([
  '../secret',
  '..',
  '.',
  '/etc',
  './assets',
  '.bin',
  'node_modules/x',
  '@acme',
  '@acme/',
  '@/x',
  '@acme/../x',
  'a\\b',
  'a\nb',
])('%j is no package', spec => {
  expect(() => new PackageFinder([spec])).toThrow(/^STATICFILES_PACKAGES: '[^']+': expected the name of an npm package/)
})

test.each(['pkg/..', 'pkg/../other', 'pkg/dist/../../other', 'pkg//dist', 'pkg/./dist', 'pkg/a\\b', '@acme/x/..'])(
  '%j is refused since it may lead out of the package',
  spec => {
    expect(() => new PackageFinder([spec])).toThrow(/: expected a folder within the package, but its name has /)
  },
)

test('a signal ends the listing of packages', async () => {
  using tree = project()
  const finder = new PackageFinder(['font/.'], { base: tree.path })
  await expect(listed(finder, [], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
  await expect(finder.find('index.css', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
})
