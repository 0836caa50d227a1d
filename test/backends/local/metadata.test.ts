import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { claimName } from '../../../src/backends/local/hidden.ts'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { codeOf, ctx, localDriver, temporaryFolder } from './fixture.ts'
import { before } from './hooks.ts'

const text = (value: string) => bytesContent(Buffer.from(value))
const sidecars = (folder: string) => readdirSync(folder).filter(name => name.endsWith('.meta'))

test('whoever reads while others write gets the attributes of exactly the bytes that he gets', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path, { keepMetadata: true })
  const write = (n: number) => driver.write('d/file', text(`${n}`), { metadata: { n: `${n}` } }, ctx)
  await write(0)
  let running = true
  const writers = [1, 2].map(async who => {
    for (let n = who; running; n += 2) await write(n)
  })
  const seen = new Set<string>()
  for (let reads = 0; reads < 150; reads++) {
    const { body, stat } = await driver.read('d/file', {}, ctx)
    const bytes = (await buffer(body.stream())).toString()
    expect(stat?.metadata).toEqual({ n: bytes })
    seen.add(bytes)
    expect((await driver.stat('d/file', ctx)).metadata).toBeDefined()
    const { files } = await driver.list('d/', { recursive: false }, ctx)
    expect(files.map(({ key, metadata }) => [key, metadata === undefined])).toEqual([['d/file', false]])
    await driver.copy('d/file', 'd/copy', {}, ctx)
    const copied = await driver.read('d/copy', {}, ctx)
    expect(copied.stat?.metadata).toEqual({ n: (await buffer(copied.body.stream())).toString() })
    await driver.delete('d/copy', ctx)
  }
  running = false
  await Promise.all(writers)
  expect(seen.size).toBeGreaterThan(20)
})

test('attributes that cannot be read are those of the name, and bytes are never lost with them', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path, { keepMetadata: true })
  await driver.write('page.html', text('<p>'), { contentType: 'text/x-own', metadata: { a: 'b' } }, ctx)
  const [name] = sidecars(folder.path)
  writeFileSync(join(folder.path, name!), '{"contentType":"text/x-o')
  expect(await driver.stat('page.html', ctx)).toMatchObject({ size: 3, contentType: 'text/html' })
  await driver.write('page.html', text('<b>'), { metadata: { a: 'c' } }, ctx)
  expect(await driver.stat('page.html', ctx)).toMatchObject({ metadata: { a: 'c' } })
  writeFileSync(join(folder.path, 'foreign.css'), 'a {}')
  expect(await driver.stat('foreign.css', ctx)).toMatchObject({ size: 4, contentType: 'text/css' })
})

test('attributes may be read by whoever may read the file', async () => {
  using folder = temporaryFolder()
  for (const mode of [0o644, 0o600, 0o664]) {
    const driver = localDriver(join(folder.path, String(mode)), { keepMetadata: true, filePermissionsMode: mode })
    await driver.write('file', text('x'), { metadata: { a: 'b' } }, ctx)
    const [name] = sidecars(join(folder.path, String(mode)))
    expect(statSync(join(folder.path, String(mode), name!)).mode & 0o777).toBe(mode)
  }
})

test('by default the folder holds exactly the files, and types come from names', async () => {
  using folder = temporaryFolder()
  const storage = new LocalStorage({ location: folder.path, fsync: false }, { settings: {}, env: {} })
  const attributes = { contentType: 'text/x-own', cacheControl: 'no-store', metadata: { a: 'b' } }
  await storage.save('d/a.css', 'a {}', attributes)
  await storage.edit('d/a.css', 'a', file => file.write('b {}'))
  await storage.copy('d/a.css', 'b.tar.gz')
  await storage.move('b.tar.gz', 'c.tar.gz')
  expect(readdirSync(folder.path, { recursive: true }).sort()).toEqual(['c.tar.gz', 'd', 'd/a.css'])
  expect(await storage.stat('d/a.css')).toMatchObject({ contentType: 'text/css' })
  const packed = await storage.stat('c.tar.gz')
  expect([packed.contentType, packed.contentEncoding, packed.metadata]).toEqual([
    'application/gzip',
    undefined,
    undefined,
  ])
  expect(storage.supports('metadata')).toBe(false)
})

test('what rivals and killed writers leave is swept, and hinders nobody who removes the folder', async () => {
  using folder = temporaryFolder()
  const storage = new LocalStorage(
    { location: folder.path, fsync: false, keepMetadata: true, fileOverwrite: true },
    { settings: {}, env: {} },
  )
  const rivals = Array.from({ length: 8 }, async (_, who) => {
    for (let n = 0; n < 20; n++) await storage.save('d/e/file', `${who} ${n}`, { metadata: { n: `${n}` } })
  })
  await Promise.all(rivals)
  await storage.save('d/e/other', 'x', { metadata: { own: 'yes' } })
  const below = join(folder.path, 'd/e')
  writeFileSync(join(below, '.holdall-4194999-abcdef.tmp'), 'half')
  writeFileSync(join(below, `.holdall-${process.pid}-abcdef.tmp`), 'being written')
  writeFileSync(join(below, `.holdall-${'0'.repeat(40)}.claim`), '4194999 elsewhere')
  expect(await storage.sweep()).toBe(0)
  const removed = await storage.sweep({ minAgeSecs: 0 })
  expect(removed).toBeGreaterThanOrEqual(2)
  expect(readdirSync(below).filter(name => !name.endsWith('.meta'))).toEqual([
    `.holdall-${process.pid}-abcdef.tmp`,
    'file',
    'other',
  ])
  expect(sidecars(below)).toHaveLength(2)
  expect((await storage.stat('d/e/other')).metadata).toEqual({ own: 'yes' })
  await storage.deleteMany(['d/e/file', 'd/e/other'])
  await expect(storage.delete('d/e')).rejects.toMatchObject({ code: 'is_directory' })
  // The same with what nobody uses any more.
  rmSync(join(below, `.holdall-${process.pid}-abcdef.tmp`))
  writeFileSync(join(below, `.holdall-${'a'.repeat(32)}-1-1.meta`), '{}')
  writeFileSync(join(below, '.holdall-4194999-abcdef.tmp'), 'half')
  await expect(storage.delete('d/e')).rejects.toMatchObject({ code: 'is_directory' })
  utimesSync(join(below, '.holdall-4194999-abcdef.tmp'), 0, 0)
  await storage.delete('d/e')
  await storage.delete('d/')
  expect(readdirSync(folder.path)).toEqual([])
})

test('a sweep of a folder leaves its neighbours alone, and a dry run only counts', async () => {
  using folder = temporaryFolder()
  const storage = new LocalStorage({ location: folder.path }, { settings: {}, env: {} })
  const left = '.holdall-4194999-abcdef.tmp'
  for (const name of ['pdfs/file', 'pdfs/deep/file', 'pdfs-old/file']) {
    await storage.save(name, 'x')
    writeFileSync(join(folder.path, name, '..', left), 'half')
  }
  const pdfs = { path: 'pdfs', minAgeSecs: 0 }
  expect(await storage.sweep({ ...pdfs, dryRun: true })).toBe(2)
  expect(await storage.sweep(pdfs)).toBe(2)
  expect(await storage.sweep(pdfs)).toBe(0)
  expect(readdirSync(join(folder.path, 'pdfs-old')).sort()).toEqual([left, 'file'])
  expect(await storage.sweep({ path: 'absent', minAgeSecs: 0 })).toBe(0)
  await expect(storage.sweep({ path: '../' })).rejects.toMatchObject({ code: 'suspicious_name' })
})

test('a sweep is refused where nothing may be changed, and finds nothing where nothing is', async () => {
  using folder = temporaryFolder()
  const readOnly = new LocalStorage({ location: folder.path, readOnly: true }, { settings: {}, env: {} })
  await expect(readOnly.sweep()).rejects.toMatchObject({ code: 'permission_denied' })
  const missing = new LocalStorage({ location: join(folder.path, 'missing') }, { settings: {}, env: {} })
  expect(await missing.sweep({ minAgeSecs: 0 })).toBe(0)
})

test('a claim of a dead process does not lock a version for ever', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  const claims: Array<[string, number, string | undefined]> = [
    [`4194999 ${hostname()}`, 0, undefined],
    [`${process.pid} ${hostname()}`, 0, 'precondition_failed'],
    ['1 another-machine', 0, 'precondition_failed'],
    ['', 0, 'precondition_failed'],
    ['1 another-machine', 700, undefined],
    ['', 700, undefined],
  ]
  for (const [owner, age, wanted] of claims) {
    const { etag } = await driver.write('file', text('old'), {}, ctx)
    const claim = join(folder.path, claimName('file', etag!))
    writeFileSync(claim, owner)
    const then = new Date(Date.now() - age * 1000)
    utimesSync(claim, then, then)
    expect(await codeOf(driver, driver.write('file', text('new'), { ifMatch: etag }, ctx)), `${owner}, ${age}`).toBe(
      wanted,
    )
    expect(readFileSync(join(folder.path, 'file'), 'utf8')).toBe(wanted === undefined ? 'new' : 'old')
  }
})

test('a claim that another process has made meanwhile is not taken away with the old one', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  const { etag } = await driver.write('file', text('old'), {}, ctx)
  const claim = join(folder.path, claimName('file', etag!))
  writeFileSync(claim, `4194999 ${hostname()}`)
  const alive = `${process.pid} ${hostname()}`
  {
    using _ = before('rename', path => {
      if (!String(path).endsWith('.claim')) return
      rmSync(claim)
      writeFileSync(claim, alive)
    })
    expect(await codeOf(driver, driver.write('file', text('new'), { ifMatch: etag }, ctx))).toBe('precondition_failed')
  }
  expect(readFileSync(claim, 'utf8')).toBe(alive)
  expect(readdirSync(folder.path).sort()).toEqual([claimName('file', etag!), 'file'])
})
