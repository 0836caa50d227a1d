import { spawnSync } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { claimName, isAlive, sidecarStem } from '../../../src/backends/local/hidden.ts'
import { bytesContent } from '../../../src/core/content.ts'
import { bytesOf, CHANGE, codeOf, ctx, localDriver, temporaryFolder } from './fixture.ts'
import { before, beforeOnHandles, systemError } from './hooks.ts'

const text = (value: string) => bytesContent(Buffer.from(value))

/** A storage's folder, and a file outside that nothing may touch. */
function ground() {
  const folder = temporaryFolder()
  const root = join(folder.path, 'root')
  const victim = join(folder.path, 'victim')
  mkdirSync(root)
  writeFileSync(victim, '{"contentType":"text/x-outside"}', { mode: 0o640 })
  utimesSync(victim, 1000, 1000)
  const seen = (): unknown[] => {
    const { mode, mtimeMs, nlink } = statSync(victim)
    return [readFileSync(victim, 'utf8'), mode & 0o777, mtimeMs, nlink]
  }
  return { root, victim, seen, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

function sidecarOf(root: string, name: string, file = name): string {
  const { mtimeNs, size } = statSync(join(root, file), { bigint: true })
  return join(root, `${sidecarStem(name)}${mtimeNs.toString(16)}-${size.toString(16)}.meta`)
}

const temporaries = (root: string): string[] => readdirSync(root).filter(name => name.endsWith('.tmp'))

/** Puts a link to the victim in the place of every temporary file. */
function plant(root: string, victim: string): void {
  for (const name of temporaries(root)) {
    unlinkSync(join(root, name))
    symlinkSync(victim, join(root, name))
  }
}

describe('a rival who may write in the folder', () => {
  test.each([false, true])(
    'gets nothing outside changed by links under temporary files, metadata kept: %s',
    async keepMetadata => {
      using place = ground()
      const { root, victim } = place
      const driver = localDriver(root, { keepMetadata })
      const untouched = place.seen()
      const calls = [
        () => driver.write('new', text('bytes'), {}, ctx),
        () => driver.write('new', text('bytes'), { ifAbsent: true }, ctx),
        () => driver.copy('file', 'new', {}, ctx),
        () => driver.move('file', 'new', {}, ctx),
        async () => {
          const handle = await driver.openHandle('file', CHANGE, {}, ctx)
          await handle.write(0, Buffer.from('changed'), ctx)
          await handle.truncate(3, ctx)
          await handle.commit(ctx)
        },
      ]
      const steps = ['copyFile', 'rename', 'link', 'unlink', 'lstat'] as const
      const methods = ['write', 'chmod', 'utimes', 'sync', 'close'] as const
      for (const call of calls) {
        for (const step of [...steps, ...methods]) {
          for (const name of readdirSync(root)) unlinkSync(join(root, name))
          await driver.write('file', text('original'), { metadata: { a: 'b' } }, ctx)
          const between = () => plant(root, victim)
          using _ = steps.includes(step as never)
            ? before(step as 'rename', between)
            : await beforeOnHandles(step as 'chmod', between)
          await call().catch(() => undefined)
          expect(place.seen(), `${calls.indexOf(call)} ${step}`).toEqual(untouched)
        }
      }
    },
  )

  test('gets nothing outside written by a link under the name of a sidecar', async () => {
    using place = ground()
    const { root, victim } = place
    const driver = localDriver(root, { keepMetadata: true })
    const untouched = place.seen()
    let planted = 0
    using _ = await beforeOnHandles('close', () => {
      for (const name of temporaries(root)) {
        const path = sidecarOf(root, 'file', name)
        if (statSync(join(root, name)).size !== 5 || readdirSync(root).some(each => path.endsWith(each))) continue
        symlinkSync(victim, path)
        planted++
      }
    })
    for (let turn = 0; turn < 3; turn++) {
      await driver.write('file', text('bytes'), { metadata: { from: 'the uploader' } }, ctx)
      expect(place.seen()).toEqual(untouched)
    }
    expect(planted).toBe(3)
    expect((await driver.stat('file', ctx)).metadata).toEqual({ from: 'the uploader' })
  })

  test('gets nothing outside read, and no call held up, by what is no regular file', async () => {
    using place = ground()
    const { root, victim } = place
    const driver = localDriver(root, { keepMetadata: true })
    const fifo = (path: string) => expect(spawnSync('mkfifo', [path]).status).toBe(0)
    const server = createServer()
    const kinds: Array<(path: string) => unknown> = [
      fifo,
      path => symlinkSync(victim, path),
      path => mkdirSync(path),
      path => symlinkSync(path, path),
      path => new Promise<void>(done => server.listen(path, () => done())),
    ]
    try {
      for (const [at, lay] of kinds.entries()) {
        const name = `file${at}.css`
        const { etag } = await driver.write(name, text('bytes'), { metadata: { a: 'b' } }, ctx)
        const path = sidecarOf(root, name)
        unlinkSync(path)
        await lay(path)
        expect(await driver.stat(name, ctx)).toMatchObject({ size: 5, contentType: 'text/css' })
        expect((await bytesOf(driver, name)).toString()).toBe('bytes')
        if (at === kinds.length - 1) continue
        await lay(join(root, claimName(name, etag!)))
        expect(await codeOf(driver, driver.write(name, text('x'), { ifMatch: etag }, ctx))).toBe('precondition_failed')
      }
      const page = await driver.list('', { recursive: true }, ctx)
      expect(page.files.map(file => file.contentType)).toEqual(kinds.map(() => 'text/css'))
    } finally {
      await new Promise(done => server.close(done))
    }
  })

  test('sees a claim that is a link or a pipe taken away when it is old, and what it leads to stay', async () => {
    using place = ground()
    const { root, victim } = place
    const driver = localDriver(root)
    const untouched = place.seen()
    const { etag } = await driver.write('file', text('old'), {}, ctx)
    const claim = join(root, claimName('file', etag!))
    symlinkSync(victim, claim)
    expect(await codeOf(driver, driver.write('file', text('new'), { ifMatch: etag }, ctx))).toBe('precondition_failed')
    expect(spawnSync('touch', ['-h', '-d', '2001-01-01', claim]).status).toBe(0)
    await driver.write('file', text('new'), { ifMatch: etag }, ctx)
    expect(place.seen()).toEqual(untouched)
    expect(readdirSync(root)).toEqual(['file'])
  })
})

test('a process is asked about only by a number that one process can have', async () => {
  using place = ground()
  const driver = localDriver(place.root)
  using kill = vi.spyOn(process, 'kill')
  for (const pid of [0, -1, -process.pid, 1.5, Number.NaN, 2 ** 32 + process.pid, 1e300])
    expect(isAlive(pid)).toBe(false)
  const { hostname } = await import('node:os')
  for (const owner of ['0', '-1', '', ' ', 'x', '1e3', '0x1']) {
    const { etag } = await driver.write('file', text('old'), {}, ctx)
    writeFileSync(join(place.root, claimName('file', etag!)), `${owner} ${hostname()}`)
    const refused = await codeOf(driver, driver.write('file', text('new'), { ifMatch: etag }, ctx))
    expect(refused, owner).toBe('precondition_failed')
  }
  expect(kill).not.toHaveBeenCalled()
  expect(isAlive(process.pid)).toBe(true)
})

test('of a sidecar only good fields of a sane size are believed', async () => {
  using place = ground()
  const driver = localDriver(place.root, { keepMetadata: true })
  await driver.write('a.css', text('bytes'), { cacheControl: 'no-store', metadata: { a: 'b' } }, ctx)
  const path = sidecarOf(place.root, 'a.css')
  const guessed = { contentType: 'text/css', cacheControl: undefined, metadata: undefined }
  const nothing = { contentType: 'text/css' }
  const cases: Array<[string | Buffer, object]> = [
    ['null', guessed],
    ['[]', guessed],
    ['"text"', guessed],
    ['{"cacheControl":"no-sto', guessed],
    [Buffer.from([...Buffer.from('{"cacheControl":"'), 0xff, ...Buffer.from('"}')]), guessed],
    ['['.repeat(60_000), guessed],
    [JSON.stringify({ cacheControl: 'x', metadata: { a: 'y'.repeat(70_000) } }), guessed],
    ['{"contentType":5,"cacheControl":["x"],"metadata":"x","size":7,"etag":"x","isDirectory":true}', nothing],
    [
      '{"contentType":"text/plain\\r\\nset-cookie: a=b","cacheControl":"public"}',
      { ...nothing, cacheControl: 'public' },
    ],
    ['{"metadata":{"a":"b","c":5,"d":null,"__proto__":"x","e\\n":"f"}}', { ...nothing, metadata: { a: 'b' } }],
    ['{"__proto__":{"cacheControl":"x"},"contentType":"text/x-own"}', { contentType: 'text/x-own' }],
  ]
  for (const [json, wanted] of cases) {
    writeFileSync(path, json)
    const stat = await driver.stat('a.css', ctx)
    const { contentType, cacheControl, metadata } = stat
    const label = json.toString().slice(0, 80)
    expect({ contentType, cacheControl, metadata }, label).toEqual({
      cacheControl: undefined,
      metadata: undefined,
      ...wanted,
    })
    expect(stat, label).toMatchObject({ size: 5 })
    expect(stat.isDirectory).toBeUndefined()
  }
  const huge = { metadata: { a: 'x'.repeat(70_000) } }
  expect(await codeOf(driver, driver.write('b.css', text('bytes'), huge, ctx))).toBe('too_large')
  expect(readdirSync(place.root).length).toBe(2)
})

describe('whatever fails', () => {
  const steps = [
    ['rename', 1],
    ['rename', 2],
    ['link', 1],
    ['lstat', 1],
    ['chmod', 1],
    ['chmod', 2],
    ['utimes', 1],
    ['write', 1],
    ['write', 2],
    ['writeFile', 1],
    ['sync', 1],
    ['sync', 2],
    ['close', 1],
    ['close', 2],
    ['close', 3],
    ['truncate', 1],
    ['copyFile', 1],
  ] as const
  test.each(steps)('%s, time %i: the old file stays and nothing else', async (step, time) => {
    using place = ground()
    const { root } = place
    const driver = localDriver(root, { keepMetadata: true, fsync: true })
    const metadata = { metadata: { version: 'new' } }
    const calls: Array<(etag: string) => Promise<unknown>> = [
      () => driver.write('file', text('new'), metadata, ctx),
      etag => driver.write('file', text('new'), { ...metadata, ifMatch: etag }, ctx),
      () => driver.write('absent', text('new'), { ...metadata, ifAbsent: true }, ctx),
      () => driver.copy('other', 'file', metadata, ctx),
      async () => {
        const handle = await driver.openHandle('file', CHANGE, metadata, ctx)
        try {
          await handle.write(0, Buffer.from('new'), ctx)
          await handle.truncate(1, ctx)
        } catch (error) {
          await handle.discard()
          throw error
        }
        await handle.commit(ctx)
      },
    ]
    let failed = 0
    for (const call of calls) {
      for (const name of readdirSync(root)) unlinkSync(join(root, name))
      const { etag } = await driver.write('file', text('old'), { metadata: { version: 'old' } }, ctx)
      await driver.write('other', text('other'), {}, ctx)
      const names = readdirSync(root).sort()
      let left: number = time
      const fail = () => {
        if (--left === 0) throw systemError('EIO')
      }
      const isMethod = !['rename', 'link', 'lstat', 'copyFile'].includes(step)
      const ended = await (async () => {
        using _ = isMethod ? await beforeOnHandles(step as 'chmod', fail) : before(step as 'rename', fail)
        return await call(etag!).then(
          () => 'done',
          () => 'failed',
        )
      })()
      // A folder that could not be made durable, or a handle that had done its work, fails after the change.
      const content = (await bytesOf(driver, 'file')).toString()
      if (ended === 'done' || content !== 'old' || readdirSync(root).includes('absent')) {
        expect(temporaries(root)).toEqual([])
        continue
      }
      failed++
      expect(readdirSync(root).sort(), `${calls.indexOf(call)}`).toEqual(names)
      expect((await driver.stat('file', ctx)).metadata).toEqual({ version: 'old' })
    }
    if (step !== 'writeFile') expect(failed).toBeGreaterThan(0)
  })

  test('after a file was published does not undo that', async () => {
    using place = ground()
    const driver = localDriver(place.root, { keepMetadata: true })
    const { etag } = await driver.write('file', text('old'), { metadata: { a: 'b' } }, ctx)
    {
      using _ = before('unlink', () => {
        throw systemError('EIO')
      })
      await driver.write('file', text('second'), { ifMatch: etag }, ctx)
      await driver.write('new', text('new'), { ifAbsent: true }, ctx)
      await driver.move('new', 'moved', { ifAbsent: true }, ctx).catch(error => expect(error.outcome).toBe('unknown'))
    }
    expect((await bytesOf(driver, 'file')).toString()).toBe('second')
    expect((await bytesOf(driver, 'moved')).toString()).toBe('new')
  })
})

test('two names of a file outside are not taken for one of ours', async () => {
  using place = ground()
  const { root, victim } = place
  const driver = localDriver(root)
  linkSync(victim, join(root, 'file'))
  const handle = await driver.openHandle('file', CHANGE, {}, ctx)
  await handle.write(0, Buffer.from('changed'), ctx)
  await handle.commit(ctx)
  expect(readFileSync(victim, 'utf8')).toContain('x-outside')
  expect(readFileSync(join(root, 'file'), 'utf8')).toContain('changed')
})
