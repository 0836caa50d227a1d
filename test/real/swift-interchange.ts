/** Files that SwiftStorage, Libcloud and swiftclient give each other: plain ones, static and dynamic large ones. */
import { describe, expect, test } from 'vitest'
import type { SwiftStorage } from '../../src/backends/swift/index.ts'
import { runScript } from './python/script.ts'

/** Bytes of a segment. */
const SEGMENT = 40_000
const pattern = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_each, at) => (at * 7919) % 256))

const FILES: Readonly<Record<string, Buffer>> = {
  'plain.txt': Buffer.from('plain'),
  "two words & <more> a+b!~'().txt": Buffer.from('odd names'),
  'folder/deep/ü 日本.bin': pattern(30_000),
  empty: Buffer.alloc(0),
}
/** Too long for one segment. */
const LARGE: Readonly<Record<string, Buffer>> = { 'large/ü file.bin': pattern(3 * SEGMENT + 123) }

/** Where both sides log in. */
export interface Interchange {
  /** What a script needs to log in. */
  readonly place: object
  /** A storage with segments of this size. */
  storage(container: string, segment: number, largeObjects: 'slo' | 'dlo'): SwiftStorage
  /** Names in a container, looked up without either; none where there is no container. */
  names(container: string): Promise<string[]>
}

type Op = 'write' | 'write_static' | 'write_dynamic' | 'read' | 'list' | 'delete'

async function contentOf(storage: SwiftStorage, name: string): Promise<Buffer> {
  await using file = await storage.open(name)
  return Buffer.from(await file.read())
}

async function listed(storage: SwiftStorage): Promise<Record<string, number | undefined>> {
  const found: Record<string, number | undefined> = {}
  for await (const { name, size } of storage.entries('', { recursive: true })) found[name] = size
  return found
}

const sizesOf = (files: Readonly<Record<string, Buffer>>): Record<string, number> =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.length]))

/** Registers the tests; `title` makes the containers of one login other ones than those of the next. */
export function describeInterchange(title: string, { place, storage, names }: Interchange): void {
  describe.each(['libcloud', 'swiftclient'] as const)(`${title}, %s`, client => {
    async function theirs<T>(op: Op, container: string, more: Readonly<Record<string, unknown>> = {}): Promise<T> {
      const input = { ...place, client, op, container, segment: SEGMENT, ...more }
      return JSON.parse(await runScript('swift_files.py', input))
    }
    const encoded = (files: Readonly<Record<string, Buffer>>): Record<string, string> =>
      Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.toString('base64')]))
    const container = (what: string): string => `${client}-${what}`

    test('its files are listed, read and deleted by us', async () => {
      await theirs('write', container('plain'), { files: encoded(FILES) })
      await using files = storage(container('plain'), SEGMENT, 'slo')
      expect(await listed(files)).toEqual(sizesOf(FILES))
      for (const [name, bytes] of Object.entries(FILES)) {
        expect(await contentOf(files, name), name).toEqual(bytes)
        expect(await files.stat(name)).toMatchObject({ contentType: 'text/x-test', metadata: { by: client } })
      }
      const { errors } = await files.deleteMany(Object.keys(FILES))
      expect(errors).toEqual([])
      expect(await names(container('plain'))).toEqual([])
    })

    test('our files are listed, read and deleted by it', async () => {
      await using files = storage(container('ours'), SEGMENT, 'slo')
      await files.createContainer()
      for (const [name, bytes] of Object.entries(FILES)) await files.save(name, bytes, { contentType: 'text/x-test' })
      expect(Object.fromEntries(await theirs<[string, number][]>('list', container('ours')))).toEqual(sizesOf(FILES))
      const read = await theirs<Record<string, [string, number]>>('read', container('ours'), {
        names: Object.keys(FILES),
      })
      for (const [name, bytes] of Object.entries(FILES)) {
        const [text = '', size] = read[name] ?? []
        expect([Buffer.from(text, 'base64').equals(bytes), size], name).toEqual([true, bytes.length])
      }
      await theirs('delete', container('ours'), { names: Object.keys(FILES) })
      expect(await listed(files)).toEqual({})
    })

    test.each(client === 'libcloud' ? ['dynamic'] : ['static', 'dynamic'])(
      'its %s large objects are read by us, copied with their content, and deleted',
      async kind => {
        const where = container(`large-${kind}`)
        await theirs('write', where, { files: {} })
        await theirs(kind === 'static' ? 'write_static' : 'write_dynamic', where, { files: encoded(LARGE) })
        await using files = storage(where, SEGMENT, 'slo')
        for (const [name, bytes] of Object.entries(LARGE)) {
          expect(await files.size(name)).toBe(bytes.length)
          expect((await contentOf(files, name)).equals(bytes)).toBe(true)
          const part: Buffer[] = []
          for await (const chunk of files.createReadStream(name, { start: SEGMENT - 5, end: SEGMENT + 5 }))
            part.push(chunk)
          expect(Buffer.concat(part)).toEqual(bytes.subarray(SEGMENT - 5, SEGMENT + 5))
          await files.copy(name, 'copied')
          await files.delete(name)
          expect(await files.exists(name)).toBe(false)
          expect((await contentOf(files, 'copied')).equals(bytes)).toBe(true)
          await files.delete('copied')
        }
      },
    )

    test.each(['slo', 'dlo'] as const)('our large objects, %s, are read and deleted by it', async kind => {
      const where = container(kind)
      await using files = storage(where, SEGMENT, kind)
      await files.createContainer()
      for (const [name, bytes] of Object.entries(LARGE)) await files.save(name, bytes)
      const read = await theirs<Record<string, [string, number]>>('read', where, { names: Object.keys(LARGE) })
      for (const [name, bytes] of Object.entries(LARGE)) {
        const [text = '', size] = read[name] ?? []
        expect([Buffer.from(text, 'base64').equals(bytes), size], name).toEqual([true, bytes.length])
      }
      expect(await names(`${where}_segments`)).toHaveLength(4)
      await theirs('delete', where, { names: Object.keys(LARGE) })
      expect(await listed(files)).toEqual({})
      // Libcloud knows nothing of segments.
      expect(await names(`${where}_segments`)).toHaveLength(client === 'libcloud' ? 4 : 0)
    })
  })
}
