import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { publishReserved } from '../../../src/backends/local/atomic-write.ts'
import { sweepFolder } from '../../../src/backends/local/sweep.ts'
import { bytesContent, type Content, streamContent } from '../../../src/core/content.ts'
import { keyComponents } from '../../../src/core/key-components.ts'
import { allFiles, bytesOf, callContext, codeOf, ctx, localDriver, temporaryFolder } from './fixture.ts'
import { before, systemError } from './hooks.ts'

const text = (value: string): Content => bytesContent(Buffer.from(value))

test('a written file is read back whole and in ranges, with its size, times, type and etag', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  const written = await driver.write('a/b.css', text('0123456789'), {}, ctx)
  const stat = await driver.stat('a/b.css', ctx)
  expect(stat).toMatchObject({ size: 10, contentType: 'text/css', etag: written.etag })
  expect(stat.modifiedAt).toBeInstanceOf(Date)
  expect(stat.createdAt).toBeInstanceOf(Date)
  expect(stat.accessedAt).toBeInstanceOf(Date)
  expect((await bytesOf(driver, 'a/b.css')).toString()).toBe('0123456789')
  expect((await bytesOf(driver, 'a/b.css', { start: 3, end: 5 })).toString()).toBe('34')
  expect((await bytesOf(driver, 'a/b.css', { start: 8, end: 99 })).toString()).toBe('89')
  expect(await codeOf(driver, bytesOf(driver, 'a/b.css', { start: 10 }))).toBe('invalid_range')
})

test('a large file streams, and a range of it too', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  const bytes = Buffer.alloc(1_000_000, 'abcdefg')
  const progress: number[] = []
  const pieces = [bytes.subarray(0, 400_000), bytes.subarray(400_000)]
  await driver.write('big', streamContent(pieces, bytes.length), { onProgress: done => progress.push(done) }, ctx)
  expect((await bytesOf(driver, 'big')).equals(bytes)).toBe(true)
  expect((await bytesOf(driver, 'big', { start: 5, end: 900_000 })).equals(bytes.subarray(5, 900_000))).toBe(true)
  expect(progress.at(-1)).toBe(1_000_000)
})

test('missing files and folders have their codes', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(join(folder.path, 'not-yet'))
  expect(await codeOf(driver, driver.stat('x', ctx))).toBe('not_found')
  expect(await codeOf(driver, driver.read('x/y', {}, ctx))).toBe('not_found')
  expect(await codeOf(driver, driver.delete('x/y', ctx))).toBeUndefined()
  expect(await driver.list('', { recursive: true }, ctx)).toEqual({ files: [], directories: [] })
  await driver.write('d/f', text('x'), {}, ctx)
  expect(await codeOf(driver, driver.read('d', {}, ctx))).toBe('is_directory')
  expect(await codeOf(driver, driver.write('d', text('x'), {}, ctx))).toBe('is_directory')
  expect(await codeOf(driver, driver.delete('d', ctx))).toBe('is_directory')
  expect(await codeOf(driver, driver.stat('d/f/g', ctx))).toBe('not_found')
  expect(await driver.stat('d', ctx)).toMatchObject({ isDirectory: true })
  await driver.delete('d/f', ctx)
  await driver.delete('d', ctx)
  expect(existsSync(join(folder.path, 'not-yet/d'))).toBe(false)
  expect(await codeOf(driver, driver.delete('', ctx))).toBe('invalid_argument')
})

test('a file in the way of a folder is named', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  await driver.write('a/b', text('x'), {}, ctx)
  const message = `${join(folder.path, 'a/b')} exists and is not a directory.`
  await expect(driver.write('a/b/c.txt', text('x'), {}, ctx)).rejects.toMatchObject({
    code: 'not_a_directory',
    message,
  })
  await expect(driver.write('a/b/c/d.txt', text('x'), {}, ctx)).rejects.toMatchObject({
    code: 'not_a_directory',
    message,
  })
  const below = localDriver(join(folder.path, 'a/b/root'))
  await expect(below.write('x', text('x'), {}, ctx)).rejects.toMatchObject({ code: 'not_a_directory', message })
})

test('files and every new folder get exactly the modes, whatever the umask is', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(join(folder.path, 'root'), {
    filePermissionsMode: 0o666,
    directoryPermissionsMode: 0o2777,
  })
  await driver.write('a/b/c.txt', text('x'), {}, ctx)
  const mode = (path: string) => statSync(join(folder.path, path)).mode & 0o7777
  expect([mode('root'), mode('root/a'), mode('root/a/b')]).toEqual([0o2777, 0o2777, 0o2777])
  expect(mode('root/a/b/c.txt')).toBe(0o666)
  chmodSync(join(folder.path, 'root/a'), 0o755)
  await driver.write('a/d.txt', text('x'), {}, ctx)
  expect(mode('root/a')).toBe(0o755)
  const plain = localDriver(join(folder.path, 'plain'), { filePermissionsMode: null })
  await plain.write('a/c.txt', text('x'), {}, ctx)
  writeFileSync(join(folder.path, 'probe'), '')
  expect(mode('plain/a/c.txt')).toBe(mode('probe'))
})

test('conditions: ifAbsent refuses a taken name, ifMatch another version, and one of two rivals wins', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  const first = await driver.write('f', text('one'), { ifAbsent: true }, ctx)
  expect(await codeOf(driver, driver.write('f', text('two'), { ifAbsent: true }, ctx))).toBe('exists')
  const rivals = Array.from({ length: 20 }, (_, n) =>
    codeOf(driver, driver.write('f', text(`rival ${n}`), { ifMatch: first.etag }, ctx)),
  )
  const codes = await Promise.all(rivals)
  expect(codes.filter(code => code === undefined)).toHaveLength(1)
  expect(codes.filter(code => code === 'precondition_failed')).toHaveLength(19)
  expect((await bytesOf(driver, 'f')).toString()).toBe(`rival ${codes.indexOf(undefined)}`)
  expect(await codeOf(driver, driver.read('f', { ifMatch: first.etag }, ctx))).toBe('precondition_failed')
  expect(await codeOf(driver, driver.write('none', text('x'), { ifMatch: first.etag }, ctx))).toBe(
    'precondition_failed',
  )
  expect(readdirSync(folder.path)).toEqual(['f'])
})

test('without hard links an exclusive creation reserves the name', async () => {
  using folder = temporaryFolder()
  const at = (name: string) => join(folder.path, name)
  writeFileSync(at('one'), '1')
  writeFileSync(at('two'), '2')
  await publishReserved(at('one'), at('target'))
  await expect(publishReserved(at('two'), at('target'))).rejects.toMatchObject({ code: 'EEXIST' })
  expect(readFileSync(at('target'), 'utf8')).toBe('1')
  expect(readdirSync(folder.path).sort()).toEqual(['target', 'two'])
  for (const rival of [undefined, 'rival']) {
    using _ = before('rename', () => {
      if (rival !== undefined) {
        writeFileSync(at('rival'), rival)
        renameSync(at('rival'), at('other'))
      }
      throw systemError('EIO')
    })
    await expect(publishReserved(at('two'), at('other'))).rejects.toMatchObject({ code: 'EIO' })
    expect(readdirSync(folder.path).includes('other')).toBe(rival !== undefined)
  }
})

test('a failed, a short and an aborted write leave the old file and no temporary', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  await driver.write('f', text('old'), {}, ctx)
  async function* failing() {
    yield Buffer.from('new')
    throw new Error('source broke')
  }
  await expect(driver.write('f', streamContent(failing()), {}, ctx)).rejects.toThrow('source broke')
  expect(await codeOf(driver, driver.write('f', streamContent(['abc'], 5), {}, ctx))).toBe('invalid_argument')
  const controller = new AbortController()
  async function* endless() {
    yield Buffer.from('new')
    controller.abort()
    await new Promise(() => {})
  }
  await expect(driver.write('f', streamContent(endless()), {}, callContext(controller.signal))).rejects.toThrow()
  expect((await bytesOf(driver, 'f')).toString()).toBe('old')
  expect(readdirSync(folder.path)).toEqual(['f'])
})

test('an upload in a temporary file is moved; a refused one stays for the next name', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(join(folder.path, 'root'))
  const temporaryPath = join(folder.path, 'upload')
  writeFileSync(temporaryPath, 'moved')
  const { ino } = statSync(temporaryPath)
  const content: Content = { ...text('moved'), bytes: undefined, temporaryPath }
  await driver.write('taken', text('x'), {}, ctx)
  expect(await codeOf(driver, driver.write('taken', content, { ifAbsent: true }, ctx))).toBe('exists')
  expect(existsSync(temporaryPath)).toBe(true)
  await driver.write('free', content, { ifAbsent: true }, ctx)
  expect(existsSync(temporaryPath)).toBe(false)
  expect(statSync(join(folder.path, 'root/free'))).toMatchObject({ ino })
  expect(statSync(join(folder.path, 'root/free')).mode & 0o777).toBe(0o644)
})

test('links that lead outside are refused everywhere, links that stay inside are followed', async () => {
  using folder = temporaryFolder()
  const root = join(folder.path, 'root')
  const outside = join(folder.path, 'outside')
  mkdirSync(join(root, 'real'), { recursive: true })
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), 'secret')
  writeFileSync(join(root, 'real/f'), 'inside')
  symlinkSync(outside, join(root, 'dir'))
  symlinkSync(join(outside, 'secret'), join(root, 'file'))
  symlinkSync('real', join(root, 'inner'))
  symlinkSync('real/f', join(root, 'innerfile'))
  const driver = localDriver(root)
  const refused = [
    () => driver.stat('file', ctx),
    () => driver.read('file', {}, ctx),
    () => driver.read('dir/secret', {}, ctx),
    () => driver.stat('dir/secret', ctx),
    () => driver.write('dir/new', text('x'), {}, ctx),
    () => driver.write('dir/new/deep', text('x'), {}, ctx),
    () => driver.delete('dir/secret', ctx),
    () => driver.list('dir/', { recursive: true }, ctx),
    () => driver.copy('dir/secret', 'copy', {}, ctx),
    () => driver.copy('real/f', 'dir/copy', {}, ctx),
    () => driver.move('file', 'moved', {}, ctx),
    () =>
      driver.openHandle('file', { read: true, write: true, create: true, exclusive: false, truncate: false }, {}, ctx),
  ]
  for (const work of refused) expect(await codeOf(driver, work())).toBe('suspicious_name')
  expect(readdirSync(outside)).toEqual(['secret'])
  expect((await bytesOf(driver, 'inner/f')).toString()).toBe('inside')
  expect((await bytesOf(driver, 'innerfile')).toString()).toBe('inside')
  const page = await driver.list('', { recursive: false }, ctx)
  expect([page.files.map(file => file.key), page.directories]).toEqual([['innerfile'], ['inner', 'real']])
  await driver.write('file', text('own'), {}, ctx)
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret')
  await driver.delete('dir', ctx)
  expect(readdirSync(outside)).toEqual(['secret'])
})

test('names that the file system cannot hold are refused before anything is touched', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(join(folder.path, 'root'))
  const bad = [
    'a\0b',
    'x'.repeat(256),
    'é'.repeat(128),
    'a\ud800',
    '../x',
    'a/../b',
    '/x',
    'a//b',
    './a',
    '.holdall-1-ab.tmp',
    'd/',
  ]
  for (const key of bad)
    expect(await codeOf(driver, driver.write(key, text('x'), {}, ctx)), key).toBe('suspicious_name')
  expect(readdirSync(folder.path)).toEqual([])
  for (const key of ['con', 'NUL.txt', 'a:b', 'a.', 'a ', 'x/lpt1.log', 'a\\b']) {
    expect(() => keyComponents(key, 'win32'), key).toThrow(expect.objectContaining({ code: 'suspicious_name' }))
  }
  await driver.write('x'.repeat(255), text('x'), {}, ctx)
  expect(keyComponents('console.txt', 'win32')).toEqual(['console.txt'])
})

test('a folder is listed page by page, each file once, hidden names never', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  mkdirSync(join(folder.path, 'd/e'), { recursive: true })
  const names = Array.from({ length: 25 }, (_, n) => (n % 2 === 0 ? `d/${n}` : `d/e/${n}`)).sort()
  for (const name of names) writeFileSync(join(folder.path, name), name)
  writeFileSync(join(folder.path, 'd/.holdall-1-ab.tmp'), '')
  expect((await allFiles(driver, '', true, 4)).map(file => file.key).sort()).toEqual(names)
  const first = await driver.list('', { recursive: true, limit: 10 }, ctx)
  const second = await driver.list('', { recursive: true, limit: 10, token: first.next }, ctx)
  expect(await driver.list('', { recursive: true, limit: 10, token: first.next }, ctx)).toEqual(second)
  await driver.close()
  const third = await driver.list('', { recursive: true, limit: 10, token: second.next }, ctx)
  const elsewhere = await localDriver(folder.path).list('', { recursive: true, limit: 10, token: second.next }, ctx)
  expect(elsewhere.files).toEqual(third.files)
  const keys = [first, second, third].flatMap(page => page.files.map(file => file.key))
  expect(keys.sort()).toEqual(names)
  expect(third.next).toBeUndefined()
  expect(await codeOf(driver, driver.list('', { recursive: true, token: 'junk' }, ctx))).toBe('invalid_argument')
})

test('metadata is kept in the same step as the bytes, comes along with copies and goes with the file', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path, { keepMetadata: true })
  const attributes = { contentType: 'text/x-own', cacheControl: 'no-store', metadata: { colour: 'grün' } }
  await driver.write('f', text('x'), attributes, ctx)
  expect(await driver.stat('f', ctx)).toMatchObject(attributes)
  await driver.copy('f', 'g', { cacheControl: 'public' }, ctx)
  expect(await driver.stat('g', ctx)).toMatchObject({ ...attributes, cacheControl: 'public' })
  await driver.move('f', 'd/h', {}, ctx)
  expect(await driver.stat('d/h', ctx)).toMatchObject(attributes)
  expect((await driver.list('d/', { recursive: false }, ctx)).files).toMatchObject([{ key: 'd/h', ...attributes }])
  await driver.write('g', text('y'), {}, ctx)
  expect((await driver.stat('g', ctx)).metadata).toBeUndefined()
  await driver.delete('g', ctx)
  await driver.delete('d/h', ctx)
  expect([readdirSync(folder.path), readdirSync(join(folder.path, 'd'))]).toEqual([['d'], []])
})

test('copy and move keep to their conditions', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  await driver.write('a', text('a'), {}, ctx)
  await driver.write('b', text('b'), {}, ctx)
  expect(await codeOf(driver, driver.copy('a', 'b', { ifAbsent: true }, ctx))).toBe('exists')
  expect(await codeOf(driver, driver.move('a', 'b', { ifAbsent: true }, ctx))).toBe('exists')
  expect(await codeOf(driver, driver.move('none', 'b', {}, ctx))).toBe('not_found')
  await driver.move('a', 'b', {}, ctx)
  expect((await bytesOf(driver, 'b')).toString()).toBe('a')
  await driver.move('b', 'new/c', { ifAbsent: true }, ctx)
  expect((await allFiles(driver)).map(file => file.key)).toEqual(['new/c'])
})

test('a handle publishes at commit, nothing at discard, and only once with exclusive', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  const write = { read: true, write: true, create: true, exclusive: false, truncate: true }
  const handle = await driver.openHandle('d/f', write, {}, ctx)
  await handle.write(0, Buffer.from('hello'), ctx)
  await handle.write(5, Buffer.from(' world'), ctx)
  expect(await codeOf(driver, driver.stat('d/f', ctx))).toBe('not_found')
  expect((await handle.read(6, 99, ctx)).toString()).toBe('world')
  await handle.commit(ctx)
  const change = await driver.openHandle('d/f', { ...write, truncate: false }, {}, ctx)
  await change.write(0, Buffer.from('J'), ctx)
  await change.truncate(5, ctx)
  await change.commit(ctx)
  expect((await bytesOf(driver, 'd/f')).toString()).toBe('Jello')
  const dropped = await driver.openHandle('d/f', write, {}, ctx)
  await dropped.write(0, Buffer.from('x'), ctx)
  await dropped.discard()
  const rivals = await Promise.all([1, 2].map(() => driver.openHandle('new', { ...write, exclusive: true }, {}, ctx)))
  const codes = await Promise.all(rivals.map(rival => codeOf(driver, rival.commit(ctx))))
  expect(codes.sort()).toEqual(['exists', undefined])
  expect(await codeOf(driver, driver.openHandle('none', { ...write, create: false }, {}, ctx))).toBe('not_found')
  const reader = await driver.openHandle('d/f', { ...write, write: false }, {}, ctx)
  expect([await reader.size(ctx), (await reader.read(1, 3, ctx)).toString()]).toEqual([5, 'ell'])
  expect(await codeOf(driver, reader.write(0, Buffer.from('x'), ctx))).toBe('unsupported_mode')
  await reader.commit(ctx)
  expect((await bytesOf(driver, 'd/f')).toString()).toBe('Jello')
  expect(readdirSync(join(folder.path, 'd'))).toEqual(['f'])
})

test('an open file that grows is read to where it ends by then, in few steps', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  await driver.write('f', text('12345'), {}, ctx)
  const flags = { read: true, write: false, create: false, exclusive: false, truncate: false }
  const handle = await driver.openHandle('f', flags, {}, ctx)
  const all = 10_000_000
  expect((await handle.read(0, all, ctx)).toString()).toBe('12345')
  expect((await handle.read(5, all, ctx)).length).toBe(0)
  appendFileSync(join(folder.path, 'f'), 'x'.repeat(1_000_000))
  const lengths: number[] = []
  for (let at = 5, bytes = await handle.read(at, all, ctx); bytes.length > 0; bytes = await handle.read(at, all, ctx)) {
    lengths.push(bytes.length)
    at += bytes.length
  }
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(1_000_000)
  expect(lengths.length).toBeLessThan(4)
  await handle.commit(ctx)
})

test('the sweep takes old temporaries of dead processes only', async () => {
  using folder = temporaryFolder()
  const old = new Date(Date.now() - 2 * 86_400_000)
  const dead = '.holdall-4194999-abcdef.tmp'
  const alive = `.holdall-${process.pid}-abcdef.tmp`
  for (const name of [dead, alive, 'mine.tmp']) {
    writeFileSync(join(folder.path, name), '')
    utimesSync(join(folder.path, name), old, old)
  }
  writeFileSync(join(folder.path, '.holdall-4194999-123456.tmp'), '')
  expect(await sweepFolder(folder.path, { minAgeMs: 86_400_000 })).toBe(1)
  expect(readdirSync(folder.path).sort()).toEqual(['.holdall-4194999-123456.tmp', alive, 'mine.tmp'].sort())
})
