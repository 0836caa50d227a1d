import { spawnSync } from 'node:child_process'
import fs, {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { bytesContent, streamContent } from '../../../src/core/content.ts'
import { allFiles, bytesOf, CHANGE, callContext, codeOf, ctx, localDriver, temporaryFolder } from './fixture.ts'

const text = (value: string) => bytesContent(Buffer.from(value))
const NOWHERE = { settings: {}, env: {} }
const umask = process.umask()

afterEach(() => {
  process.umask(umask)
})

describe('modes', () => {
  test.each([0o000, 0o022, 0o077, 0o777])('are exactly those of the settings under the umask %o', async mask => {
    using folder = temporaryFolder()
    process.umask(mask)
    for (const [file, made] of [
      [0o644, 0o755],
      [0o640, 0o2750],
      [0o666, 0o2777],
      [0o600, 0o700],
    ] as const) {
      const options = { filePermissionsMode: file, directoryPermissionsMode: made }
      const root = `root-${file.toString(8)}`
      const driver = localDriver(join(folder.path, root, 'deep'), options)
      await driver.write('a/b/bytes', text('x'), {}, ctx)
      await driver.write('a/b/stream', streamContent(['x', 'y']), {}, ctx)
      await driver.copy('a/b/bytes', 'a/c/copy', {}, ctx)
      await driver.copy('a/b/bytes', 'a/b/moving', {}, ctx)
      await driver.move('a/b/moving', 'a/d/moved', {}, ctx)
      const flags = { read: false, write: true, create: true, exclusive: false, truncate: true }
      const handle = await driver.openHandle('a/e/handle', flags, {}, ctx)
      await handle.write(0, Buffer.from('x'), ctx)
      await handle.commit(ctx)
      const mode = (path: string) => lstatSync(join(folder.path, root, path)).mode & 0o7777
      const folders = ['', 'deep', 'deep/a', 'deep/a/b', 'deep/a/c', 'deep/a/d', 'deep/a/e']
      expect(folders.map(mode)).toEqual(folders.map(() => made))
      const files = ['b/bytes', 'b/stream', 'c/copy', 'd/moved', 'e/handle'].map(name => `deep/a/${name}`)
      expect(files.map(mode)).toEqual(files.map(() => file))
    }
  })

  test('are left to the umask where none are set, and those of folders that exist stay', async () => {
    using folder = temporaryFolder()
    process.umask(0o027)
    const driver = localDriver(folder.path, { filePermissionsMode: null })
    mkdirSync(join(folder.path, 'old'), { mode: 0o700 })
    await driver.write('old/new/file', text('x'), {}, ctx)
    const mode = (path: string) => lstatSync(join(folder.path, path)).mode & 0o7777
    expect([mode('old'), mode('old/new'), mode('old/new/file')]).toEqual([0o700, 0o750, 0o640])
  })

  test.runIf(process.platform === 'linux').each([
    // The mode of the old file is set when the new one is complete; until then nobody else may read it.
    ['null', null, 0o600],
    ['0640', 0o640, 0o600],
  ])('of a program are not those of its copy, with %s', async (_shown, filePermissionsMode, unpublished) => {
    using folder = temporaryFolder()
    process.umask(0o027)
    const driver = localDriver(folder.path, { filePermissionsMode })
    const modes = (): number[] =>
      readdirSync(folder.path)
        .filter(name => name !== 'theirs')
        .map(name => lstatSync(join(folder.path, name)).mode & 0o7777)
    const theirs = join(folder.path, 'theirs')
    writeFileSync(theirs, 'a program')
    // Only root can give a file to another user; without that the bits alone must do.
    if (process.geteuid?.() === 0) chownSync(theirs, 65_534, 65_534)
    chmodSync(theirs, 0o6755)
    const handle = await driver.openHandle('theirs', CHANGE, {}, ctx)
    expect(modes()).toEqual([unpublished])
    await handle.discard()
    await driver.copy('theirs', 'copied', {}, ctx)
    expect(modes()).toEqual([0o640])
    expect((await bytesOf(driver, 'copied')).toString()).toBe('a program')
  })
})

describe('a file that replaces another one', () => {
  test.each([
    ['0644', 0o644],
    ['null', null],
  ])('keeps its mode, with filePermissionsMode %s', async (_shown, filePermissionsMode) => {
    using folder = temporaryFolder()
    process.umask(0o022)
    const storage = new LocalStorage({ location: folder.path, fsync: false, filePermissionsMode }, NOWHERE)
    const path = join(folder.path, 'file')
    await storage.save('other', 'other')
    for (const old of [0o600, 0o755, 0o640]) {
      writeFileSync(path, 'old')
      chmodSync(path, old)
      const changes: Record<string, () => Promise<unknown>> = {
        append: () => storage.edit('file', 'a', file => file.write('more')),
        change: () => storage.edit('file', 'r+', file => file.write('new')),
        rewrite: () => storage.edit('file', 'w', file => file.write('new')),
        save: () => storage.save('file', 'newer', { overwrite: true }),
        copy: () => storage.copy('other', 'file', { overwrite: true }),
        'save a stream': () => storage.save('file', ['new', 'est'], { overwrite: true }),
      }
      for (const [title, change] of Object.entries(changes)) {
        await change()
        expect(lstatSync(path).mode & 0o7777, title).toBe(old)
      }
    }
    await storage.save('new', 'x')
    expect(lstatSync(join(folder.path, 'new')).mode & 0o7777).toBe(0o644)
  })

  test('does not get rights that run it as its owner', async () => {
    using folder = temporaryFolder()
    const storage = new LocalStorage({ location: folder.path, fsync: false }, NOWHERE)
    const path = join(folder.path, 'file')
    writeFileSync(path, 'old')
    chmodSync(path, 0o6755)
    await storage.save('file', 'new', { overwrite: true })
    expect(lstatSync(path).mode & 0o7777).toBe(0o755)
  })
})

describe('durability', () => {
  test('the file and every folder with a new entry are made durable, or nothing is', async () => {
    using folder = temporaryFolder()
    const probe = await open(join(folder.path, 'probe'), 'w')
    await probe.close()
    rmSync(join(folder.path, 'probe'))
    const handles = Object.getPrototypeOf(probe) as { sync: FileHandle['sync'] }
    const { sync } = handles
    const synced: string[] = []
    handles.sync = function (this: FileHandle) {
      synced.push(readlinkSync(`/proc/self/fd/${this.fd}`).slice(folder.path.length))
      return sync.call(this)
    }
    try {
      const driver = localDriver(join(folder.path, 'root'), { fsync: true })
      await driver.write('a/b/file', text('x'), {}, ctx)
      expect(synced.map(path => path.replace(/\.holdall-.*/, 'temporary'))).toEqual([
        '',
        '/root',
        '/root/a',
        '/root/a/b/temporary',
        '/root/a/b',
      ])
      synced.length = 0
      await driver.move('a/b/file', 'c/file', {}, ctx)
      expect(synced).toEqual(['/root', '/root/c', '/root/a/b'])
      synced.length = 0
      await driver.delete('c/file', ctx)
      expect(synced).toEqual(['/root/c'])
      synced.length = 0
      await localDriver(join(folder.path, 'quick')).write('a/b/file', text('x'), {}, ctx)
      expect(synced).toEqual([])
    } finally {
      handles.sync = sync
    }
  })

  test('a failure after the file is in its place says that it was applied', async () => {
    using folder = temporaryFolder()
    const probe = await open(folder.path, 'r')
    await probe.close()
    const handles = Object.getPrototypeOf(probe) as { sync: FileHandle['sync'] }
    const { sync } = handles
    handles.sync = async function (this: FileHandle) {
      if (statSync(`/proc/self/fd/${this.fd}`).isDirectory()) throw Object.assign(new Error('broken'), { code: 'EIO' })
      return sync.call(this)
    }
    try {
      const driver = localDriver(folder.path, { fsync: true })
      await expect(driver.write('file', text('new'), {}, ctx)).rejects.toMatchObject({
        code: 'unknown',
        outcome: 'applied',
        cause: { code: 'EIO' },
      })
    } finally {
      handles.sync = sync
    }
    expect(readdirSync(folder.path)).toEqual(['file'])
  })
})

describe('names and paths', () => {
  test('a path that is longer than the system takes is refused, and no folder is made of it', async () => {
    using folder = temporaryFolder()
    const driver = localDriver(join(folder.path, 'root'))
    for (const key of [`${'a/'.repeat(5000)}x`, `${`${'x'.repeat(200)}/`.repeat(21)}x`, `${'é/'.repeat(1400)}x`]) {
      expect(await codeOf(driver, driver.write(key, text('x'), {}, ctx))).toBe('suspicious_name')
      expect(await codeOf(driver, driver.read(key, {}, ctx))).toBe('suspicious_name')
      expect(await codeOf(driver, driver.delete(key, ctx))).toBe('suspicious_name')
    }
    expect(readdirSync(folder.path)).toEqual([])
  })

  test('a deep tree is written, listed and removed', async () => {
    using folder = temporaryFolder()
    const driver = localDriver(folder.path)
    const key = `${'a/'.repeat(300)}file`
    await driver.write(key, text('deep'), {}, ctx)
    expect((await allFiles(driver, '', true, 1)).map(file => file.key)).toEqual([key])
    expect((await bytesOf(driver, key)).toString()).toBe('deep')
    await driver.delete(key, ctx)
    for (let depth = 300; depth > 0; depth--) await driver.delete(`${'a/'.repeat(depth)}`, ctx)
    expect(readdirSync(folder.path)).toEqual([])
  })

  test('another name for a taken long one is short enough, and a name that is too long is refused', async () => {
    using folder = temporaryFolder()
    const storage = new LocalStorage({ location: folder.path, fsync: false }, NOWHERE)
    for (const stem of ['n'.repeat(251), 'é'.repeat(125), '漢'.repeat(83), '😀'.repeat(62)]) {
      const name = await storage.save(`${stem}.txt`, 'first')
      expect(name).toBe(`${stem}.txt`)
      const other = await storage.save(name, ['sec', 'ond'])
      expect(Buffer.byteLength(other)).toBeLessThanOrEqual(255)
      expect(other).toMatch(/^.+_[A-Za-z0-9]{7}\.txt$/u)
      expect(other.isWellFormed()).toBe(true)
      expect(readFileSync(join(folder.path, other), 'utf8')).toBe('second')
      await expect(storage.save(`xxxxx${stem}.txt`, 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
    }
    await expect(storage.save(`x.${'y'.repeat(253)}`, '1')).resolves.toHaveLength(255)
    await expect(storage.save(`x.${'y'.repeat(253)}`, '2')).rejects.toMatchObject({ code: 'suspicious_name' })
  })

  test('the path of a folder may end in a slash, and that of the storage is its root', () => {
    const storage = new LocalStorage({ location: '/srv/media' }, NOWHERE)
    expect(['dir/', 'dir', '', './a//b'].map(name => storage.path(name))).toEqual([
      '/srv/media/dir',
      '/srv/media/dir',
      '/srv/media',
      '/srv/media/a/b',
    ])
    expect(() => storage.path('../x')).toThrow(expect.objectContaining({ code: 'suspicious_name' }))
    expect(storage.keyOf('/srv/media/a/b')).toBe('a/b')
    for (const outside of ['/srv/media2/a', '/srv', '/', '/srv/media/../x', '/srv/media/..\\..\\x']) {
      expect(() => storage.keyOf(outside), outside).toThrow(expect.objectContaining({ code: 'suspicious_name' }))
    }
  })

  test('a relative location is that of the folder where the storage was first used', async () => {
    using folder = temporaryFolder()
    const before = process.cwd()
    mkdirSync(join(folder.path, 'elsewhere'))
    try {
      process.chdir(folder.path)
      const storage = new LocalStorage({ location: 'media', fsync: false }, NOWHERE)
      expect(storage.root).toBe(join(folder.path, 'media'))
      process.chdir('elsewhere')
      await storage.save('file', 'x')
      expect(await storage.exists(join(folder.path, 'media/file'))).toBe(true)
    } finally {
      process.chdir(before)
    }
    expect(readdirSync(join(folder.path, 'elsewhere'))).toEqual([])
  })

  test('errors name the file’s own path', async () => {
    using folder = temporaryFolder()
    const driver = localDriver(folder.path)
    await driver.write('d/e/file', text('x'), {}, ctx)
    const error = await driver.write('d/e', text('x'), {}, ctx).catch(each => each)
    expect(String(error.message ?? error)).not.toContain('/proc/')
    const failed = await driver.copy('d/e/file', 'd/e', {}, ctx).catch(each => each)
    expect(failed).toMatchObject({ code: 'EISDIR', dest: join(folder.path, 'd/e') })
    expect(failed.message).toContain(join(folder.path, 'd/e'))
  })
})

describe('what others do to the folder', () => {
  test('a root that was removed or replaced is made and found anew', async () => {
    using folder = temporaryFolder()
    const root = join(folder.path, 'root')
    const driver = localDriver(root)
    for (let turn = 0; turn < 3; turn++) {
      await driver.write('file', text(`${turn}`), {}, ctx)
      await driver.write('a/b/file', text(`${turn}`), {}, ctx)
      expect((await bytesOf(driver, 'a/b/file')).toString()).toBe(`${turn}`)
      if (turn === 0) rmSync(root, { recursive: true })
      else if (turn === 1) renameSync(root, join(folder.path, 'away'))
    }
    expect(await codeOf(driver, driver.stat('gone', ctx))).toBe('not_found')
  })

  test('pipes and devices are neither opened nor listed', async () => {
    using folder = temporaryFolder()
    expect(spawnSync('mkfifo', [join(folder.path, 'pipe')]).status).toBe(0)
    const driver = localDriver(folder.path)
    expect(await codeOf(driver, driver.read('pipe', {}, ctx))).toBe('unsupported')
    const flags = { read: true, write: true, create: true, exclusive: false, truncate: false }
    expect(await codeOf(driver, driver.openHandle('pipe', flags, {}, ctx))).toBe('unsupported')
    expect(await driver.list('', { recursive: true }, ctx)).toEqual({ files: [], directories: [] })
  })

  test('a link to a folder inside is a folder, and a recursive listing does not go through it', async () => {
    using folder = temporaryFolder()
    const driver = localDriver(folder.path)
    await driver.write('real/file', text('x'), {}, ctx)
    symlinkSync('real', join(folder.path, 'link'))
    symlinkSync('.', join(folder.path, 'real/loop'))
    symlinkSync('nowhere', join(folder.path, 'broken'))
    expect((await driver.list('', { recursive: false }, ctx)).directories).toEqual(['link', 'real'])
    const page = await driver.list('', { recursive: true }, ctx)
    expect([page.files.map(file => file.key), page.directories]).toEqual([['real/file'], []])
    expect((await driver.list('link/', { recursive: true }, ctx)).files.map(file => file.key)).toEqual(['link/file'])
    expect(await driver.stat('link', ctx)).toMatchObject({ isDirectory: true })
    expect(await codeOf(driver, driver.stat('broken', ctx))).toBe('not_found')
    await driver.delete('link', ctx)
    expect(existsSync(join(folder.path, 'real/file'))).toBe(true)
  })

  test('two names of one inode become one by a move', async () => {
    using folder = temporaryFolder()
    const driver = localDriver(folder.path)
    await driver.write('one', text('x'), {}, ctx)
    linkSync(join(folder.path, 'one'), join(folder.path, 'two'))
    expect(await codeOf(driver, driver.move('one', 'two', { ifAbsent: true }, ctx))).toBe('exists')
    await driver.move('one', 'two', {}, ctx)
    expect(readdirSync(folder.path)).toEqual(['two'])
    expect((await bytesOf(driver, 'two')).toString()).toBe('x')
  })
})

describe('large folders', () => {
  test('are read only as far as a page goes', async () => {
    using folder = temporaryFolder()
    for (let n = 0; n < 3000; n++) writeFileSync(join(folder.path, `file-${n}`), '')
    const driver = localDriver(folder.path)
    const opendir = fs.promises.opendir
    let entries = 0
    fs.promises.opendir = async (...call) => {
      const dir = await opendir(...call)
      const read = dir.read.bind(dir) as () => Promise<fs.Dirent | null>
      dir.read = (() => {
        entries++
        return read()
      }) as typeof dir.read
      return dir
    }
    syncBuiltinESMExports()
    try {
      const page = await driver.list('', { recursive: true, limit: 10 }, ctx)
      expect(page.files).toHaveLength(10)
      expect(entries).toBeLessThanOrEqual(64)
      const rest = await driver.list('', { recursive: true, limit: 100, token: page.next }, ctx)
      expect(rest.files).toHaveLength(100)
      expect(entries).toBeLessThanOrEqual(192)
    } finally {
      fs.promises.opendir = opendir
      syncBuiltinESMExports()
      await driver.close()
    }
    expect(await allFiles(driver, '', true)).toHaveLength(3000)
  })

  test('are left with their descriptors when the reader goes away', async () => {
    using folder = temporaryFolder()
    const storage = new LocalStorage({ location: folder.path, fsync: false }, NOWHERE)
    for (let n = 0; n < 1100; n++) writeFileSync(join(folder.path, `file-${n}`), '')
    for await (const _ of storage.entries('', { recursive: true })) break
    const controller = new AbortController()
    const reading = (async () => {
      for await (const _ of storage.entries('', { signal: controller.signal })) controller.abort()
    })()
    await expect(reading).rejects.toMatchObject({ code: 'aborted', operation: 'list' })
    await storage.close()
    const held = readdirSync('/proc/self/fd').filter(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder.path)
      } catch {
        return false
      }
    })
    expect(held).toEqual([])
  })
})

test('a write is given up before it is published when it was aborted', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path)
  const controller = new AbortController()
  const onProgress = () => controller.abort()
  const aborted = driver.write('file', text('x'), { onProgress }, callContext(controller.signal))
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' })
  expect(readdirSync(folder.path)).toEqual([])
})
