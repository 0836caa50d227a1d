import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { bytesContent } from '../../src/core/content.ts'
import { StorageError } from '../../src/core/errors.ts'
import { compare } from '../../src/transfer/index.ts'
import { startTcpProxy } from '../servers/tcp-proxy.ts'
import { Kinds } from '../storage/kinds.ts'
import { changedStorage, filesIn, fill, memory, NOWHERE, WAYS } from './support.ts'

const kinds = await Kinds.start()
const folder = await mkdtemp(join(tmpdir(), 'holdall-both-test-'))
afterAll(async () => {
  await kinds.end()
  await rm(folder, { recursive: true })
})
let records = 0
const newRecord = (): string => join(folder, `record-${records++}.sqlite`)

/** The operations that the S3 server has logged, with their numbers. */
function requests(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { operation } of kinds.server.requests) counts[operation] = (counts[operation] ?? 0) + 1
  kinds.server.requests.length = 0
  return counts
}

describe.each(WAYS)('$name', ({ name: way, sync, synced }) => {
  it('copies a file of equal size and other content in both directions, whichever is newer (syn-5)', async () => {
    for (const isRecorded of [true, false]) {
      for (const [one, other] of [
        [kinds.local(), kinds.s3()],
        [kinds.s3(), kinds.local()],
        [kinds.local(), kinds.local()],
        [kinds.s3(), kinds.s3()],
        [kinds.memory(), kinds.s3()],
      ] as const) {
        const record = isRecorded ? newRecord() : undefined
        await fill(one, { a: 'one', b: 'same' })
        await sync(one, other, { record })
        // Newer at the target, and of equal size.
        await fill(other, { a: 'two' })
        expect((await synced(one, other, { record })).events).toContain('copied a')
        expect(await filesIn(other)).toEqual({ a: 'one', b: 'same' })
        // Newer at the source.
        await fill(one, { a: 'six' })
        expect((await synced(one, other, { record })).events).toContain('copied a')
        expect(await filesIn(other)).toEqual({ a: 'six', b: 'same' })
      }
    }
  })

  it('compares listings in the order of UTF-8 bytes, whatever order they come in (syn-4)', async () => {
    const names = ['a/b./d', 'a/b/c', 'dir-2/x', 'dir/x', '\u{1f600}', '\uffee', '\ue000/z', 'a b', 'Z', 'é', 'e\u0301']
    const files = Object.fromEntries(names.map(name => [name, `text of ${name}`]))
    const shuffled = changedStorage(driver => ({
      features: { ...driver.features, listRange: false },
      async list(prefix, page, ctx) {
        const found = await driver.list(prefix, { ...page, limit: undefined }, ctx)
        return { ...found, files: [...found.files].reverse() }
      },
    }))
    for (const storage of [shuffled, kinds.local(), kinds.s3(), memory()]) {
      await fill(storage, files)
      for (const target of [kinds.s3(), kinds.local(), memory()]) {
        const record = newRecord()
        expect(await sync(storage, target, { delete: true, record })).toMatchObject({ copied: names.length, failed: 0 })
        const again = await sync(storage, target, { delete: true, checksum: true, record })
        expect(again).toMatchObject({ copied: 0, deleted: 0, unchanged: names.length })
        expect(await filesIn(target)).toEqual(files)
      }
    }
  })

  it('deletes nothing after a listing that fails, repeats or is in no order (syn-1)', async () => {
    const good = { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' }
    const broken = {
      fails: 'the second page fails',
      repeats: 'the first page comes again',
      twice: 'a name comes twice',
      backwards: 'a name comes late',
    }
    for (const how of Object.keys(broken)) {
      const listing = changedStorage(driver => {
        let calls = 0
        return {
          async list(prefix, page, ctx) {
            const { files } = await driver.list(prefix, { ...page, token: undefined }, ctx)
            calls++
            if (how === 'fails' && calls > 1) throw new StorageError('unavailable', 'no answer')
            if (how === 'fails') return { files: files.slice(0, 1), directories: [], next: '1' }
            if (how === 'repeats') return { files: files.slice(0, 1), directories: [], next: `${calls % 3}` }
            const odd = how === 'twice' ? [...files, files.at(-1)!] : [...files.slice(1), files[0]!]
            return { files: odd, directories: [] }
          },
        }
      })
      await fill(listing, good)
      const other = memory()
      await fill(other, { ...good, 'd.txt': 'd', 'e.txt': 'e' })
      await expect(sync(listing, other, { delete: true, maxDelete: 100 }), how).rejects.toMatchObject({
        code: 'unavailable',
      })
      expect(Object.keys(await filesIn(other)), how).toContain('d.txt')
      await expect(sync(memory(), listing, { delete: true, allowEmptySource: true }), how).rejects.toMatchObject({
        code: 'unavailable',
      })
      expect(await listing.exists('a.txt')).toBe(true)
    }
  })

  it('deletes nothing where the source left something out of its listing (syn-1)', async () => {
    const source = changedStorage(driver => ({
      async list(...args) {
        process.emitWarning('"secret/" is left out: permission denied.', { code: 'HOLDALL_LEFT_OUT' })
        return driver.list(...args)
      },
    }))
    await fill(source, { a: 'a', b: 'b' })
    const target = memory()
    await fill(target, { 'secret/c': 'c' })
    const heard = process.listeners('warning')
    process.removeAllListeners('warning')
    try {
      const { report } = await synced(source, target, { delete: true })
      expect(report).toMatchObject({ copied: 2, deleted: 0, extra: 1, heldBack: 'incomplete_source', inSync: false })
      expect(process.listenerCount('warning')).toBe(0)
    } finally {
      for (const listener of heard) process.on('warning', listener)
    }
  })

  it('refuses a source that is a file, and one that is missing where the target has files', async () => {
    for (const storage of [memory(), kinds.s3(), kinds.local()]) {
      await fill(storage, { 'a.txt': 'a' })
      const target = memory()
      await fill(target, { old: 'old' })
      for (const [sourcePath, code] of [
        ['a.txt', 'not_a_directory'],
        ['b.txt', 'not_found'],
      ] as const) {
        const options = { sourcePath, delete: true, allowEmptySource: true }
        await expect(sync(storage, target, options)).rejects.toMatchObject({ code })
        await expect(compare(storage, target, { sourcePath })).rejects.toMatchObject({ code })
      }
      expect(await filesIn(target)).toEqual({ old: 'old' })
    }
  })

  it('stops and asks before an empty source, or more than a share, is deleted (syn-2)', async () => {
    const target = memory()
    const files = { a: '1', b: '2', c: '3', d: '4' }
    await fill(target, files)
    expect(await sync(memory(), target, { delete: true })).toMatchObject({
      heldBack: 'empty_source',
      deleted: 0,
      extra: 4,
    })
    const source = memory()
    await fill(source, { a: '1' })
    expect(await sync(source, target, { delete: true })).toMatchObject({ heldBack: 'max_delete', inSync: false })
    expect(await filesIn(target)).toEqual(files)
    expect(await sync(source, target, { delete: true, maxDelete: 75, dryRun: true })).toMatchObject({ deleted: 3 })
    expect(await filesIn(target)).toEqual(files)
    expect(await sync(source, target, { delete: true, maxDelete: 75 })).toMatchObject({ deleted: 3, inSync: true })
    expect(await sync(memory(), target, { delete: true, allowEmptySource: true })).toMatchObject({ deleted: 1 })
    expect(await filesIn(target)).toEqual({})
    await expect(sync(memory(), target, { sourcePath: 'misspelt' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(sync(kinds.s3(), target, { sourcePath: 'misspelt' })).rejects.toMatchObject({ code: 'not_found' })
  })

  it('applies include and exclude to both sides (syn-3)', async () => {
    const [source, target] = [memory(), memory()]
    await fill(source, { 'a.txt': 'a', 'a.map': 'a', 'sub/b.txt': 'b', 'keep/c.txt': 'c' })
    const old = { 'old.map': 'o', 'old.txt': 'o', 'keep/d.txt': 'd', 'note.md': 'n' }
    await fill(target, old)
    const options = { include: ['*.txt', '*.map'], exclude: ['*.map', 'keep/'], delete: true, maxDelete: 100 }
    const { report, events } = await synced(source, target, options)
    expect(events).toEqual(['copied a.txt', 'copied sub/b.txt', 'deleted old.txt'])
    expect(report).toMatchObject({ extra: 0, inSync: true })
    expect(Object.keys(await filesIn(target)).sort()).toEqual([
      'a.txt',
      'keep/d.txt',
      'note.md',
      'old.map',
      'sub/b.txt',
    ])
    if (way === 'migrate') return
    await synced(source, target, { ...options, deleteExcluded: true })
    expect(Object.keys(await filesIn(target)).sort()).toEqual(['a.txt', 'sub/b.txt'])
  })

  it('deletes last, and only when every copy succeeded (syn-10)', async () => {
    const done: string[] = []
    let fails = true
    const target = changedStorage(driver => ({
      async write(key, content, options, ctx) {
        if (fails && key === 'b') throw new StorageError('checksum_mismatch', 'other bytes have arrived')
        done.push(`write ${key}`)
        return driver.write(key, content, options, ctx)
      },
      deleteMany: undefined,
      async delete(key, ctx) {
        done.push(`delete ${key}`)
        return driver.delete(key, ctx)
      },
    }))
    const source = memory()
    await fill(source, { a: 'new', b: 'new', z: 'new' })
    fails = false
    await fill(target, { '0': 'extra', b: 'old' })
    fails = true
    done.length = 0
    const { report, events } = await synced(source, target, { delete: true })
    expect(report).toMatchObject({ copied: 2, failed: 1, deleted: 0, heldBack: 'failures', inSync: false })
    expect(events).toContain('failed b: other bytes have arrived')
    expect(await filesIn(target)).toEqual({ '0': 'extra', a: 'new', b: 'old', z: 'new' })
    fails = false
    done.length = 0
    expect(await sync(source, target, { delete: true })).toMatchObject({ deleted: 1, inSync: true })
    expect(done.at(-1)).toBe('delete 0')
  })

  it('keeps the old file where other bytes arrive at the service, and deletes nothing (syn-10)', async () => {
    const MIB = 1024 * 1024
    const target = kinds.s3()
    await fill(target, { damaged: 'old', large: 'old', extra: 'e' })
    const proxy = await startTcpProxy(Number(new URL(kinds.server.url).port))
    proxy.rule = ({ isUp, bytes }) => {
      const at = isUp ? bytes.indexOf('damage it') : -1
      if (at >= 0) bytes.write('DAMAGE', at)
      return undefined
    }
    const endpointUrl = `http://127.0.0.1:${proxy.port}`
    const { location } = target.options
    const damaging = kinds.s3({ endpointUrl, location, maxAttempts: 1, multipartThreshold: 5 * MIB, partSize: 5 * MIB })
    try {
      const source = kinds.local()
      await fill(source, { damaged: 'please damage it', sound: 'sound' })
      await source.save('large', Buffer.concat([Buffer.alloc(5 * MIB), Buffer.from('please damage it')]))
      const { report } = await synced(source, damaging, { delete: true })
      expect(report).toMatchObject({ copied: 1, failed: 2, deleted: 0, extra: 1, heldBack: 'failures', inSync: false })
      expect(report.failures.map(({ name, error }) => [name, error.code]).sort()).toEqual([
        ['damaged', 'checksum_mismatch'],
        ['large', 'checksum_mismatch'],
      ])
      expect(await filesIn(target)).toEqual({ damaged: 'old', large: 'old', extra: 'e', sound: 'sound' })
      expect([...kinds.server.bucket().uploads.values()].filter(({ key }) => key.startsWith(`${location}/`))).toEqual(
        [],
      )
    } finally {
      await damaging.close()
      await proxy[Symbol.asyncDispose]()
    }
  })

  it('copies what a bucket holds beside zero-byte objects that stand for folders (syn-11)', async () => {
    const source = kinds.s3()
    await fill(source, { 'a/b': 'b', c: 'c' })
    const bucket = kinds.server.bucket()
    const one = bucket.current(`${source.options.location}/c`)!
    const etag = createHash('md5').digest('hex')
    for (const name of ['', 'a/', 'c/', 'empty/', 'empty//']) {
      bucket.put(`${source.options.location}/${name}`, { ...one, body: Buffer.alloc(0), etag, checksums: {} })
    }
    for (const target of [kinds.local(), kinds.s3()]) {
      const { report, events } = await synced(source, target, { delete: true })
      expect(events).toEqual(['copied a/b', 'copied c'])
      expect(report).toMatchObject({ failed: 0, inSync: true })
      expect(await sync(source, target, { delete: true })).toMatchObject({ copied: 0, deleted: 0, inSync: true })
    }
  })

  it('keeps names that differ in Unicode form or letter case apart (syn-7)', async () => {
    const files = { é: 'composed', 'e\u0301': 'decomposed', A: 'upper', a: 'lower' }
    for (const [source, target] of [
      [kinds.local(), kinds.s3()],
      [kinds.s3(), kinds.local()],
    ] as const) {
      await fill(source, files)
      expect(await sync(source, target, { delete: true })).toMatchObject({ copied: 4, failed: 0 })
      expect(await filesIn(target)).toEqual(files)
      expect(await sync(source, target, { delete: true })).toMatchObject({ unchanged: 4, deleted: 0 })
    }
  })

  it('reports a file and a folder of one name before a copy to a disk, and copies the others (syn-11)', async () => {
    const source = kinds.s3()
    await fill(source, { a: 'file', 'a/b': 'below', 'a-c': 'between', 'a.txt': 'between', 'x/y': 'y' })
    const target = kinds.local()
    await fill(target, { old: 'extra' })
    const { report, events } = await synced(source, target, { delete: true, maxDelete: 100 })
    expect(events).toEqual([
      'copied a-c',
      'copied a.txt',
      'copied x/y',
      "failed a/b: 'a/b' is not copied: the target cannot hold it beside 'a'.",
      "failed a: 'a' is not copied: the target cannot hold it beside 'a/b'.",
    ])
    expect(report).toMatchObject({ heldBack: 'failures', extra: 1 })
    // A bucket holds both.
    expect(await sync(source, kinds.s3())).toMatchObject({ copied: 5, failed: 0 })
    // A zero-byte object that stands for a folder, as consoles make them, where a listing has it.
    const marked = changedStorage(driver => ({
      async list(...args) {
        const { files } = await driver.list(...args)
        const markers = ['f/', 'g/'].map(key => ({ key, size: 0 }))
        return { files: [...files, ...markers].sort((a, b) => (a.key < b.key ? -1 : 1)), directories: [] }
      },
    }))
    await fill(marked, { f: 'file', 'f.txt': 'other' })
    expect((await synced(marked, kinds.local())).events).toEqual([
      'copied f.txt',
      "failed f: 'f' is not copied: the target cannot hold it beside 'f/'.",
    ])
  })

  it('refuses places that overlap, before the first byte (syn-12)', async () => {
    const s3 = kinds.s3()
    await fill(s3, { 'a/b': 'b' })
    const alias = kinds.s3({ location: s3.options.location })
    const inside = kinds.s3({ location: `${s3.options.location}/a` })
    const local = kinds.local()
    await fill(local, { 'a/b': 'b' })
    await symlink(local.root, `${local.root}-link`)
    const linked = new LocalStorage({ location: `${local.root}-link` }, NOWHERE)
    requests()
    for (const [source, target, options] of [
      [s3, s3, {}],
      [s3, s3, { sourcePath: 'a' }],
      [s3, s3, { targetPath: 'a/b/c' }],
      [s3, alias, {}],
      [s3, inside, {}],
      [inside, s3, {}],
      [local, linked, {}],
      [local, local, { targetPath: 'a/new' }],
      [local, new LocalStorage({ location: join(local.root, 'x/y') }, NOWHERE), {}],
      [linked, local, { sourcePath: 'a' }],
    ] as const) {
      await expect(sync(source, target, options)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(requests()).toEqual({})
    await rm(`${local.root}-link`)
    // Folders beside each other are no overlap, also where one name begins with the other.
    await fill(s3, { 'ab/c': 'c' })
    expect(await sync(s3, s3, { sourcePath: 'a', targetPath: 'ab' })).toMatchObject({ copied: 1, inSync: true })
    expect(await sync(local, local, { sourcePath: 'a', targetPath: 'ab' })).toMatchObject({ copied: 1, inSync: true })
  })

  it('takes content type, cache control and metadata along (syn-13)', async () => {
    const attributes = { contentType: 'text/x-odd', cacheControl: 'max-age=9', metadata: { owner: 'Zoë' } }
    for (const size of [5, 4_500_000]) {
      const [source, target] = [kinds.s3(), kinds.s3()]
      await source.save('a', Buffer.alloc(size, 'x'), attributes)
      await sync(source, target)
      expect(await target.stat('a')).toMatchObject({ ...attributes, size })
    }
  })

  it('notices a file of a disk that changes while it is copied, and never stores a mixture (syn-9)', async () => {
    const size = 5_000_000
    const source = kinds.local()
    const path = join(source.root, 'a')
    writeFileSync(path, Buffer.alloc(size, 'a'))
    let changes = 1
    const target = changedStorage(driver => ({
      write: (key, content, options, ctx) => {
        const open = (): Readable => Readable.from(changing(content.open()), { objectMode: false })
        return driver.write(key, content.size === size ? { ...content, open } : content, options, ctx)
      },
    }))
    async function* changing(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of body) {
        yield chunk
        if (changes > 0) writeFileSync(path, Buffer.alloc(size, String(changes--)))
      }
    }
    await fill(target, { a: 'old' })
    expect(await sync(source, target)).toMatchObject({ copied: 1, failed: 0 })
    expect((await target.readBytes('a')).equals(Buffer.alloc(size, '1'))).toBe(true)
    changes = 1000
    await fill(target, { a: 'old' })
    const { events } = await synced(source, target)
    expect(events).toEqual(["failed a: 'a' changed while it was copied."])
    expect(await target.readText('a')).toBe('old')
  })

  it('looks before and after at a file of a service without versions (syn-9)', async () => {
    let changes = 1
    const source = changedStorage(driver => ({
      async list(...args) {
        const page = await driver.list(...args)
        return { ...page, files: page.files.map(({ etag: _, ...file }) => file) }
      },
      async read(...args) {
        const { stat, ...result } = await driver.read(...args)
        const { etag: _, ...rest } = stat!
        return { ...result, stat: { ...rest, modifiedAt: new Date(changes * 1000) } }
      },
      async stat(key, ctx) {
        if (changes > 0) {
          const bytes = Buffer.from(String(changes--).padStart(4, 'x'))
          await driver.write(key, bytesContent(bytes), {}, ctx)
        }
        const { etag: _, ...stat } = await driver.stat(key, ctx)
        return { ...stat, modifiedAt: new Date(changes * 1000) }
      },
    }))
    await fill(source, { a: 'text' })
    const target = memory()
    expect(await sync(source, target)).toMatchObject({ copied: 1, failed: 0 })
    expect(await target.readText('a')).toBe('xxx1')
    changes = 1000
    await fill(target, { a: 'old' })
    expect((await synced(source, target)).events).toEqual(["failed a: 'a' changed while it was copied."])
    expect(await target.readText('a')).toBe('old')
  })

  it('ends with `aborted` when its signal fires, and deletes nothing', async () => {
    const [source, target] = [memory(), memory()]
    await fill(source, Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`file-${at}`, 'x'])))
    await fill(target, { extra: 'x' })
    const controller = new AbortController()
    const { signal } = controller
    const onProgress = (): void => controller.abort(new Error('enough'))
    await expect(sync(source, target, { signal, onProgress, delete: true, concurrency: 2 })).rejects.toMatchObject({
      code: 'aborted',
    })
    expect(await target.exists('extra')).toBe(true)
    expect(Object.keys(await filesIn(target)).length).toBeLessThan(10)
  })
})
