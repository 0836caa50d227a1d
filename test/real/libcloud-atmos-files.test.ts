/** Apache Libcloud and Holdall in the same containers of Atmos and Ninefold: each reads, lists and deletes what the other wrote. */
import { createHash } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { type AtmosOptions, AtmosStorage, NinefoldStorage } from '../../src/backends/atmos/index.ts'
import type { Input } from '../../src/core/settings.ts'
import { type StrictAtmos, startStrictAtmos, startStrictNinefold } from '../servers/strict-atmos.ts'
import { needLibcloud, runScript } from './python/script.ts'

const servers = { atmos: await startStrictAtmos(), ninefold: await startStrictNinefold() }
await needLibcloud()
afterAll(() => Promise.all(Object.values(servers).map(server => server.close())))

/** Libcloud's names are ASCII. */
const FILES: Readonly<Record<string, Buffer>> = {
  'plain.txt': Buffer.from('plain'),
  "two words & <more> a+b%20c!~'().txt": Buffer.from('odd names'),
  'folder/deep/binary.bin': Buffer.from(Array.from({ length: 30_000 }, (_each, at) => (at * 7919) % 256)),
  empty: Buffer.alloc(0),
}
const NAMES = Object.keys(FILES)
const md5 = (body: Buffer): string => createHash('md5').update(body).digest('hex')

interface Read {
  readonly body: string
  readonly size: number
  readonly hash: string
  readonly metadata: Readonly<Record<string, string>>
}

describe.concurrent.each(Object.entries(servers))('on %s', (kind, server) => {
  const { credentials, port, url } = server as StrictAtmos
  const theirs = async <T>(op: string, container: string, more: Record<string, unknown> = {}): Promise<T> =>
    JSON.parse(await runScript('atmos_files.py', { kind, port, ...credentials, op, container, ...more }))
  const encoded = (files: Readonly<Record<string, Buffer>>): Record<string, string> =>
    Object.fromEntries(Object.entries(files).map(([name, body]) => [name, body.toString('base64')]))

  function ours(container: string, options: Input<AtmosOptions> = {}): AtmosStorage {
    const all = { host: url, user: credentials.uid, key: credentials.secret, container, ...options }
    const services = { settings: {}, env: {} }
    return kind === 'ninefold' ? new NinefoldStorage(all, services) : new AtmosStorage(all, services)
  }

  async function contentOf(storage: AtmosStorage, name: string): Promise<Buffer> {
    await using file = await storage.open(name)
    return Buffer.from((await file.read()) as Uint8Array)
  }

  test('what Libcloud wrote is listed, read, compared with its MD5, and deleted', async () => {
    await theirs('write', 'from-libcloud', { files: encoded(FILES) })
    await using storage = ours('from-libcloud')
    const [folders, files] = await storage.listdir('')
    expect([folders, files.toSorted()]).toEqual([['folder'], NAMES.filter(name => !name.includes('/')).toSorted()])
    expect(await storage.listdir('folder')).toEqual([['deep'], []])
    const sizes: Record<string, number | undefined> = {}
    for await (const { name, size } of storage.entries('', { recursive: true })) sizes[name] = size
    expect(sizes).toEqual(Object.fromEntries(NAMES.map(name => [name, FILES[name]!.length])))
    for (const name of NAMES) {
      expect(await contentOf(storage, name), name).toEqual(FILES[name])
      expect(await storage.size(name)).toBe(FILES[name]!.length)
      expect(await storage.stat(name)).toMatchObject({ contentType: 'text/x-test', metadata: { by: 'libcloud' } })
    }
    server.tree.body('from-libcloud/folder/deep/binary.bin')![20_000]! ^= 1
    await expect(contentOf(storage, 'folder/deep/binary.bin')).rejects.toMatchObject({ code: 'checksum_mismatch' })
    for (const name of NAMES) await storage.delete(name)
    for (const folder of ['folder/deep/', 'folder/']) await storage.delete(folder)
    await storage.driver.deleteContainer('from-libcloud')
    expect(server.tree.find('from-libcloud')).toBeUndefined()
  })

  test('what Holdall wrote, in parts as well, is listed, read and deleted by Libcloud', async () => {
    await using storage = ours('from-holdall', { partSize: 2 ** 20 })
    await storage.driver.createContainer('from-holdall')
    const large = Buffer.alloc(2.5 * 2 ** 20, 'large and in three parts')
    const files = { ...FILES, 'large.bin': large }
    for (const [name, body] of Object.entries(files)) {
      expect(await storage.save(name, body, { metadata: { by: 'holdall', sum: '1=1' } })).toBe(name)
    }
    const { containers, objects } = await theirs<{ containers: string[]; objects: string[] }>('list', 'from-holdall')
    expect(containers).toContain('from-holdall')
    expect(objects.toSorted()).toEqual(
      Object.keys(files)
        .filter(name => !name.includes('/'))
        .toSorted(),
    )
    const read = await theirs<Record<string, Read>>('read', 'from-holdall', { files: Object.keys(files) })
    for (const [name, body] of Object.entries(files)) {
      const { body: text, size, hash, metadata } = read[name]!
      expect(Buffer.from(text, 'base64').equals(body), name).toBe(true)
      expect({ size, hash, metadata }, name).toEqual({
        size: body.length,
        hash: md5(body),
        metadata: { by: 'holdall', sum: '1=1' },
      })
    }
    await theirs('delete', 'from-holdall', { files: Object.keys(files) })
    expect(await storage.exists('plain.txt')).toBe(false)
    for (const folder of ['folder/deep/', 'folder/']) await storage.delete(folder)
    await theirs('delete', 'from-holdall', { files: [], container_too: true })
    expect(server.tree.find('from-holdall')).toBeUndefined()
  })

  test('each overwrites a file of the other, shorter and longer', async () => {
    const [long, short] = [Buffer.alloc(25_000, 'theirs'), Buffer.from('ours')]
    await theirs('write', 'both', { files: encoded({ 'long.bin': long, 'short.bin': short }) })
    await using storage = ours('both')
    await storage.save('long.bin', short, { overwrite: true })
    await storage.save('short.bin', long, { overwrite: true })
    const names = ['long.bin', 'short.bin']
    const read = await theirs<Record<string, Read>>('read', 'both', { files: names })
    expect(names.map(name => [read[name]!.size, read[name]!.hash])).toEqual([
      [short.length, md5(short)],
      [long.length, md5(long)],
    ])
    await theirs('overwrite', 'both', { files: encoded({ 'long.bin': long, 'short.bin': short }) })
    expect(await contentOf(storage, 'long.bin')).toEqual(long)
    expect(await contentOf(storage, 'short.bin')).toEqual(short)
    expect(server.tree.paths().filter(path => path.startsWith('both/'))).toEqual(['both/long.bin', 'both/short.bin'])
  })
})
