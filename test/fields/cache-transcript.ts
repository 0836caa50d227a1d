/** The manual's "Push the objects into the cache", for a cache of any kind. */
import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import {
  FieldFile,
  type FileField,
  type FileModel,
  FileRegistry,
  fileField,
  fileModel,
  upload,
} from '../../src/fields/index.ts'
import { ContentFile, MemoryStorage } from '../../src/index.ts'

/** A cache, as a program has it. */
export interface Cache {
  set(key: string, value: unknown): Promise<unknown>
  get(key: string): Promise<unknown>
}

interface Row {
  readonly id: number
  readonly title: string
  readonly normal: FieldFile
}

/** One table of a program without an ORM. */
class Rows {
  readonly storage: MemoryStorage = new MemoryStorage({ nameStrategy: 'underscore' }, { settings: {}, env: {} })
  readonly model: FileModel<{ normal: FileField }>
  readonly #names = new Map<number, unknown>()

  constructor() {
    const registry = new FileRegistry()
    this.model = fileModel('my_models', { normal: fileField({ storage: this.storage, uploadTo: 'tests' }) }, registry)
    this.model.addUsers(async () => this.#names.values())
  }

  make(id: number): Row {
    return this.revive({ id, title: `${id}`, normal: null })
  }

  /** A row with files that can be saved, of what a cache has kept. */
  revive(row: unknown): Row {
    const { id } = row as Row
    const owner = {
      row: row as Row,
      persist: async (values: object) => void this.#names.set(id, Object.values(values)[0]),
    }
    return this.model.revive(row as Row, () => owner)
  }
}

/** Defines the tests of a cache. */
export function cacheTests(cache: () => Cache): void {
  it('1.1.5, 7.5.3: push the objects into the cache', async () => {
    const rows = new Rows()
    const obj1 = rows.make(1)
    const obj2 = rows.make(2)
    await obj1.normal.save('django_test.txt', new ContentFile('content'))
    await obj2.normal.save('django_test.txt', new ContentFile('more content'))
    await cache().set('obj1', obj1)
    await cache().set('obj2', obj2)
    const found = rows.revive(await cache().get('obj2'))
    expect(inspect(found.normal)).toBe('<FieldFile: tests/django_test_.txt>')
    expect(found.normal).toBeInstanceOf(FieldFile)
    expect([found.id, found.title]).toEqual([2, '2'])
    expect(found.normal).not.toBe(obj2.normal)
    expect(await found.normal.size()).toBe(12)
    expect(`${await found.normal.read()}`).toBe('more content')
    // The one in the cache can be saved and deleted, as the one that was put there.
    await found.normal.save('other.txt', new ContentFile('third'))
    expect(await rows.storage.listdir('tests')).toEqual([[], ['django_test.txt', 'other.txt']])
    const first = rows.revive(await cache().get('obj1'))
    await first.normal.delete()
    expect(await rows.storage.listdir('tests')).toEqual([[], ['other.txt']])
    // What was put there has not changed with it.
    expect(inspect(rows.revive(await cache().get('obj1')).normal)).toBe('<FieldFile: tests/django_test.txt>')
  })

  it('an object without a file comes back without one', async () => {
    const rows = new Rows()
    await cache().set('empty', rows.make(1))
    const { normal } = rows.revive(await cache().get('empty'))
    expect([inspect(normal), normal.isEmpty, normal.name]).toEqual(['<FieldFile: None>', true, null])
    await expect(normal.size()).rejects.toThrow("The 'normal' attribute has no file associated with it.")
  })

  it('an object that was opened and read comes back closed', async () => {
    const rows = new Rows()
    const obj1 = rows.make(1)
    await obj1.normal.save('django_test.txt', new ContentFile('content'))
    await obj1.normal.open()
    expect(`${await obj1.normal.read(3)}`).toBe('con')
    await cache().set('opened', obj1)
    const { normal } = rows.revive(await cache().get('opened'))
    expect(`${await normal.read()}`).toBe('content')
    expect(`${await obj1.normal.read()}`).toBe('tent')
  })

  it('an object whose file is not stored yet refuses to be cached, by itself and in a list', async () => {
    const rows = new Rows()
    const pending = { id: 1, normal: rows.model.attach('normal', upload(Buffer.from('x'), 'x.txt')) }
    for (const value of [pending, [pending], { deep: { list: [1, pending] } }, pending.normal]) {
      const refused = async (): Promise<unknown> => cache().set('pending', value)
      await expect(refused()).rejects.toThrow(
        "The file of 'normal' is not stored yet: save its row before it is serialised.",
      )
    }
    expect((await cache().get('pending')) ?? undefined).toBeUndefined()
  })
}
