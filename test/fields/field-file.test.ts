import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { inspect, isDeepStrictEqual } from 'node:util'
import v8 from 'node:v8'
import { afterAll, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import {
  FieldFile,
  FileRegistry,
  FileTransaction,
  type FileValue,
  fileField,
  fileModel,
  type ImageFieldFile,
  imageField,
  upload,
  uploadPath,
} from '../../src/fields/index.ts'
import { ContentFile, configure, LocalStorage, MemoryStorage, overrideSettings, StorageError } from '../../src/index.ts'
import { Table } from './table.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdall-fields-'))
afterAll(() => rmSync(folder, { recursive: true }))

let storage: MemoryStorage
let table: Table<{ normal: ReturnType<typeof fileField> }>
beforeEach(() => {
  storage = new MemoryStorage()
  table = new Table('my_model', { normal: fileField({ storage, uploadTo: 'tests' }) })
})

const stored = async (): Promise<string[]> => {
  const names: string[] = []
  for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
  return names.sort()
}

/** What a value is stored as. */
async function kept(value: unknown, fields = table.model): Promise<{ name: string | null; text: string | null }> {
  const files = new FileTransaction(new FileRegistry())
  const { normal } = await fields.store({ normal: value }, { files })
  await files.commit()
  return { name: normal as string | null, text: normal === null ? null : await storage.readText(normal as string) }
}

describe('a file field', () => {
  it('puts files where strftime codes say', async () => {
    const field = fileField({ storage, uploadTo: 'd/%Y/%m/%d' })
    expect(await field.generateFilename({}, 'f.txt', new Date(2026, 10, 23))).toBe('d/2026/11/23/f.txt')
  })

  it('puts files where a function of the row and the name says', async () => {
    const uploadTo = ({ user }: { user: string }, name: string): string => `users/${user}/${name.toUpperCase()}`
    const field = fileField<{ user: string }>({ storage, uploadTo })
    expect(await field.generateFilename({ user: 'ann' }, 'cv 1.pdf')).toBe('users/ann/CV_1.PDF')
    class Person {
      readonly #name = 'bob'
      get user(): string {
        return this.#name
      }
    }
    expect(await field.generateFilename(new Person(), 'x')).toBe('users/bob/X')
    const late = fileField({ storage, uploadTo: async (_: object, name: string) => `late/${name}` })
    expect(await late.generateFilename({}, 'x')).toBe('late/x')
  })

  it('keeps a path within a name that code gives, and makes the last part valid', async () => {
    const row = table.object()
    await row.normal.save("sub/we ird'é$n.txt", 'x')
    expect(row.normal.name).toBe('tests/sub/we_irdén.txt')
    await expect(row.normal.save('../x', 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
    const outside = fileField({ storage, uploadTo: () => '../x' })
    await expect(outside.generateFilename({}, 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
  })

  it('cuts names to maxLength, and refuses what cannot be cut', async () => {
    await storage.save('tests/long_filename.txt', 'x')
    const short = new Table('short', { normal: fileField({ storage, uploadTo: 'tests', maxLength: 20 }) })
    const row = short.object()
    await row.normal.save('long_filename.txt', 'x')
    expect(row.normal.name).toMatch(/^tests\/lo_\w{7}\.txt$/)
    await expect(row.normal.save('x.a_very_long_ext_indeed', 'x')).rejects.toMatchObject({ code: 'suspicious_name' })
    expect(await stored()).toHaveLength(2)
  })

  it.each([true, false])('cuts names that are too long for the disk (overwrite: %s)', async overwrite => {
    const local = new LocalStorage({ location: mkdtempSync(join(folder, 'long-')) })
    const pdf = fileField({ storage: local, uploadTo: 'pdfs', saveOptions: { overwrite } })
    const resumes = fileModel('resumes', { pdf }, new FileRegistry())
    resumes.addUsers(async () => [])
    const files = new FileTransaction(resumes.registry)
    const { pdf: name } = await resumes.store({ pdf: upload('x', `${'y'.repeat(300)}.pdf`) }, { files })
    expect(name).toMatch(/^pdfs\/y{83,91}(_\w{7})?\.pdf$/)
    expect(await local.exists(String(name))).toBe(true)
    const refused = resumes.store({ pdf: upload('x', `y.${'z'.repeat(300)}`) }, { files })
    await expect(refused).rejects.toMatchObject({ code: 'suspicious_name' })
    await files.rollback()
    expect(await local.exists(String(name))).toBe(false)
  })

  it('refuses bad options', () => {
    expect(() => fileField({ uploadTo: '/x' })).toThrow("remove the leading slash of '/x'")
    expect(() => fileField({ maxLength: 0 })).toThrow('maxLength')
    expect(() => fileField({ storage: {} as never })).toThrow('storage of a file field')
    expect(() => fileField({ storage: () => 'x' as never }).storage).toThrow('storage of a file field')
    const field = fileField({ storage })
    fileModel('a', { one: field })
    expect(() => fileModel('a', { two: field })).toThrow("cannot be both 'one' and 'two'")
    expect(() => fileField({ uplaodTo: 'x' } as never)).toThrow("no option 'uplaodTo'")
    expect(() => imageField({ widht: 'x' } as never)).toThrow("no option 'widht'")
    expect(() => fileField({ uploadTo: 7 as never })).toThrow('uploadTo must be')
    expect(() => fileField({ storage: 7 as never })).toThrow('storage of a file field')
    expect(() => fileField({ emptyValue: 'x' as never })).toThrow('emptyValue')
  })

  it('finds its storage at first use: an alias, a storage or a function', async () => {
    // Test files share a process.
    configure({})
    const byAlias = fileField({ storage: 'media' })
    let calls = 0
    const byFunction = fileField({
      storage: () => {
        calls += 1
        return storage
      },
    })
    expect(calls).toBe(0)
    expect([byFunction.storage, byFunction.storage, calls]).toEqual([storage, storage, 1])
    const settings = { STORAGES: { media: { BACKEND: 'local', OPTIONS: { location: folder } } } }
    await overrideSettings(settings, async () => expect(byAlias.attach('a.txt').path()).toBe(join(folder, 'a.txt')))
    expect(fileField().storage.constructor.name).toBe('LocalStorage')
  })

  it('fld-9: refuses a key that the database has not given yet, before anything is stored', async () => {
    for (const uploadTo of [
      ({ id }: { id?: number }, name: string) => `docs/${id}/${name}`,
      ({ id }: { id?: number }, name: string) => `docs-${id}-${name}`,
      ({ owner }: { owner?: { id?: number } }, name: string) => `docs/${owner?.id}/${name}`,
      ({ id }: { id?: number }) => `docs/${Number(id)}`,
      ({ id }: { id?: number }, name: string) => `doc${id}/${name}`,
      ({ owner }: { owner?: null }, name: string) => `user${owner}/${name}`,
    ]) {
      const docs = fileModel('docs', { normal: fileField({ storage, uploadTo: uploadTo as never }) })
      const work = docs.store({ owner: null, normal: upload('x', 'null.txt') }, { files: new FileTransaction() })
      await expect(work).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('save the row first'),
      })
    }
    expect(await stored()).toEqual([])
    const named = fileModel('docs', {
      normal: fileField({ storage, uploadTo: (_: object, name: string) => `d/${name}` }),
    })
    expect((await kept(upload('x', 'null.txt'), named as never)).name).toBe('d/null.txt')
    const optional = ({ group }: { group?: string }, name: string): string => `${group ?? 'all'}/${name}`
    const grouped = fileModel('docs', { normal: fileField({ storage, uploadTo: optional as never }) })
    expect((await kept(upload('x', 'Nonesuch.txt'), grouped as never)).name).toBe('all/Nonesuch.txt')
    const spelled = fileField({ storage, uploadTo: (_: object, name: string) => `d/${name.replaceAll(' ', '-')}` })
    expect(await spelled.generateFilename({}, 'None of them.txt')).toBe('d/None-of-them.txt')
  })

  it('lets uploadTo ask the row for its class and call its methods', async () => {
    class Person {
      readonly #name = 'ann'
      slug(): string {
        return this.#name
      }
    }
    const uploadTo = (row: Person, name: string): string => `${row.constructor.name}/${row.slug()}/${name}`
    const field = fileField<Person>({ storage, uploadTo })
    expect(await field.generateFilename(new Person(), 'x')).toBe('Person/ann/x')
    const frozen = Object.freeze({ slug: () => 'bob' })
    expect(await field.generateFilename(frozen, 'x')).toBe('Object/bob/x')
  })
})

describe('a value of a file field', () => {
  it('may be content of every kind', async () => {
    const path = join(folder, 'cv.pdf')
    writeFileSync(path, 'on disk')
    const web = new Blob(['web']).stream()
    async function* generated(): AsyncGenerator<string> {
      yield 'gen'
      yield 'erated'
    }
    const random = /^tests\/[0-9a-f-]{36}$/
    const cases: ReadonlyArray<readonly [value: unknown, name: string | RegExp, text: string]> = [
      [upload('text', 'a.txt'), 'tests/a.txt', 'text'],
      [upload(Buffer.from('bytes'), 'sub/b.txt'), 'tests/sub/b.txt', 'bytes'],
      [Buffer.from('raw'), random, 'raw'],
      [new Uint8Array([104, 105]), random, 'hi'],
      [new Uint8Array([104, 105]).buffer, random, 'hi'],
      [new File(['file'], '../../evil dir/x.txt'), 'tests/x.txt', 'file'],
      [new Blob(['blob'], { type: 'image/png' }), /^tests\/[0-9a-f-]{36}\.png$/, 'blob'],
      [new ContentFile('content', 'c.txt'), 'tests/c.txt', 'content'],
      [Readable.from(['stre', 'am']), random, 'stream'],
      [createReadStream(path), 'tests/cv.pdf', 'on disk'],
      [web, random, 'web'],
      [generated(), random, 'generated'],
      [pathToFileURL(path), /^tests\/cv_\w{7}\.pdf$/, 'on disk'],
      [uploadPath(path, 'other.pdf'), 'tests/other.pdf', 'on disk'],
    ]
    for (const [value, name, text] of cases) {
      const found = await kept(value)
      expect(found.text, String(name)).toBe(text)
      if (typeof name === 'string') expect(found.name).toBe(name)
      else expect(found.name).toMatch(name)
    }
  })

  it('may be a name, a stored file, or nothing', async () => {
    const name = await storage.save('tests/there.txt', 'there')
    expect(await kept(name)).toEqual({ name, text: 'there' })
    expect(await kept(table.model.attach('normal', name))).toEqual({ name, text: 'there' })
    for (const nothing of [null, '', table.model.attach('normal', null)]) {
      expect(await kept(nothing)).toEqual({ name: null, text: null })
    }
    const empty = fileModel('m', { normal: fileField({ storage, emptyValue: '' }) })
    expect(await empty.store({ normal: null }, { files: new FileTransaction() })).toEqual({ normal: '' })
    expect(await empty.store({ other: 1 }, { files: new FileTransaction() })).toEqual({ other: 1 })
  })

  it('may be the file of another storage, which is copied', async () => {
    const other = new MemoryStorage()
    const file = fileField({ storage: other }).attach(await other.save('far/away.txt', 'far'))
    expect(await kept(file)).toEqual({ name: 'tests/away.txt', text: 'far' })
    const again = new LocalStorage({ location: folder })
    const same = fileModel('m', { normal: fileField({ storage: new LocalStorage({ location: folder }) }) })
    await again.save('twice.txt', 'x')
    const twice = fileField({ storage: again }).attach('twice.txt')
    expect(await same.store({ normal: twice }, { files: new FileTransaction() })).toEqual({ normal: 'twice.txt' })
  })

  it('fld-14: that is anything else is refused, before anything is stored', async () => {
    const bad = [
      Promise.resolve('x'),
      7,
      true,
      {},
      { name: 'a.txt' },
      ['a'],
      Symbol('x'),
      () => 'x',
      new Date(),
      new URL('https://x/'),
    ]
    for (const value of bad) {
      const both = fileModel('m', { a: fileField({ storage }), b: fileField({ storage }) })
      const work = both.store({ a: upload('x', 'a'), b: value }, { files: new FileTransaction() })
      await expect(work, inspect(value)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining("'b'"),
      })
    }
    expect(await stored()).toEqual([])
  })

  it('fld-14: reaches the column only when its file is stored', () => {
    const field = fileField({ storage }).bind('pdf')
    expect([field.encode('a'), field.encode(null), field.encode(''), field.encode(field.attach('a'))]).toEqual([
      'a',
      null,
      null,
      'a',
    ])
    const pending = field.attach(null).assign(upload('x', 'a'))
    for (const value of [
      Buffer.from('x'),
      Readable.from(['x']),
      upload('x'),
      pending,
      Promise.resolve('x'),
      { name: 'a' },
      7,
    ]) {
      expect(() => field.encode(value)).toThrow("'pdf' takes the name of a stored file, not ")
    }
    expect(() => field.encode(Promise.resolve('x'))).toThrow('await it first')
  })

  it('that is a file object without a name is refused', async () => {
    const message = 'File for normal must have the name attribute specified to be saved.'
    await expect(kept(new ContentFile('x'))).rejects.toMatchObject({ code: 'invalid_argument', message })
    expect(await stored()).toEqual([])
  })

  it('that is a file which is not there is source_failed', async () => {
    await expect(kept(uploadPath(join(folder, 'absent')))).rejects.toMatchObject({ code: 'source_failed' })
  })
})

describe('a FieldFile', () => {
  it('without a file is empty', async () => {
    const { normal } = table.object()
    expect([normal.name, normal.isEmpty, `${normal}`, inspect(normal), normal.closed]).toEqual([
      null,
      true,
      '',
      '<FieldFile: None>',
      false,
    ])
    const message = "The 'normal' attribute has no file associated with it."
    const failing = { code: 'no_file', message }
    await expect(normal.size()).rejects.toMatchObject(failing)
    await expect(normal.read()).rejects.toMatchObject(failing)
    await expect(normal.url()).rejects.toMatchObject(failing)
    await expect(normal.open()).rejects.toMatchObject(failing)
    await expect(normal.chunks().next()).rejects.toMatchObject(failing)
    expect(() => normal.path()).toThrow(message)
    expect(() => normal.stream()).toThrow(message)
    await normal.delete()
    await normal.close()
    expect(table.statements).toEqual([])
  })

  it('deletes its file and clears its row', async () => {
    const row = table.object()
    await row.normal.save('a.txt', 'x')
    await row.normal.delete()
    expect([row.normal.name, table.object(1).normal.name, await stored()]).toEqual([null, null, []])
    await row.normal.delete()
    expect(table.statements).toHaveLength(2)
  })

  it('is saved without its row when that is asked for', async () => {
    const row = table.object()
    await row.normal.save('a.txt', 'x', { save: false })
    expect([row.normal.name, row.normal.committed, table.statements]).toEqual(['tests/a.txt', true, []])
    await row.save()
    expect(table.object(1).normal.name).toBe('tests/a.txt')
  })

  it('fld-2: is stored before the row is written; when the row cannot be written, the new file is removed', async () => {
    const row = table.object()
    await row.normal.save('a.txt', 'old')
    table.failure = new Error('constraint')
    await expect(row.normal.save('b.txt', 'new')).rejects.toThrow('constraint')
    expect([row.normal.name, await stored()]).toEqual(['tests/a.txt', ['tests/a.txt']])
    expect(String(await row.normal.read())).toBe('old')
    table.failure = new Error('constraint')
    await expect(row.normal.delete()).rejects.toThrow('constraint')
    expect([row.normal.name, await stored()]).toEqual(['tests/a.txt', ['tests/a.txt']])
  })

  it('fld-2: when the storage fails, the row is not written', async () => {
    const row = table.object()
    storage.calls.driver.write = async () => {
      throw new StorageError('no_space', 'full')
    }
    await expect(row.normal.save('a.txt', 'x')).rejects.toMatchObject({ code: 'no_space' })
    expect([row.normal.name, table.statements]).toEqual([null, []])
  })

  it('fld-4: stays saved when the old file cannot be deleted, which is reported', async () => {
    const row = table.object()
    await row.normal.save('a.txt', 'old')
    const { driver } = storage.calls
    const remove = driver.delete.bind(driver)
    driver.delete = async () => {
      throw new StorageError('unavailable', 'down', { retryable: false })
    }
    const kept: unknown[] = []
    table.registry.onKept = ({ name, error }) => kept.push([name, error.code])
    await row.normal.save('b.txt', 'new')
    expect([kept, await stored()]).toEqual([[['tests/a.txt', 'unavailable']], ['tests/a.txt', 'tests/b.txt']])
    driver.delete = remove
  })

  it('fld-7: replaced under the same name deletes nothing', async () => {
    const overwriting = new MemoryStorage({ fileOverwrite: true })
    const own = new Table('own', { normal: fileField({ storage: overwriting, uploadTo: 'tests' }) })
    const row = own.object()
    await row.normal.save('a.txt', 'old')
    await row.normal.save('a.txt', 'new')
    expect(await overwriting.readText('tests/a.txt')).toBe('new')
    own.failure = new Error('constraint')
    await expect(row.normal.save('a.txt', 'newer')).rejects.toThrow('constraint')
    expect(await overwriting.exists('tests/a.txt')).toBe(true)
    own.failure = new Error('constraint')
    await expect(own.object().normal.save('b.txt', 'x')).rejects.toThrow('constraint')
    expect(await overwriting.exists('tests/b.txt')).toBe(false)
  })

  it('reads all of the content, whatever was read of it before, and leaves it open', async () => {
    const content = new ContentFile('content', 'x')
    await content.seek(3)
    const row = table.object()
    await row.normal.save('a.txt', content)
    expect(String(await row.normal.read())).toBe('content')
    expect(await content.read()).toBe('tent')
  })

  it('reads text in the modes without b, and its new content after a save', async () => {
    const row = table.object()
    await row.normal.save('a.txt', 'häß\n2\n')
    const text = await row.normal.open('r')
    expectTypeOf(await text.read()).toEqualTypeOf<string>()
    expectTypeOf(await row.normal.read()).toEqualTypeOf<Buffer>()
    await text.open('r')
    expect(await text.read(2)).toBe('hä')
    const lines: unknown[] = []
    for await (const line of text) lines.push(line)
    expect(lines).toEqual(['häß\n', '2\n'])
    await row.normal.save('a.txt', 'other')
    expect(String(await row.normal.read())).toBe('other')
    expect(String(await row.normal.read())).toBe('')
    await row.normal.close()
    await expect(row.normal.read()).rejects.toMatchObject({ code: 'closed' })
    await row.normal.open()
    expect(String(await row.normal.read())).toBe('other')
    await using file = row.normal
    expect((await file.stream().toArray()).join('')).toBe('other')
  })

  it('equals a file of the same name, and the name', () => {
    const [a, b, c] = ['a', 'a', null].map(name => table.model.attach('normal', name))
    expect([a!.equals(b), a!.equals('a'), a!.equals(c), a!.equals(null), c!.equals(null), c!.equals('')]).toEqual([
      true,
      true,
      false,
      false,
      true,
      true,
    ])
    expect([isDeepStrictEqual(a, b), isDeepStrictEqual(a, c)]).toEqual([true, false])
  })

  it('is revived from JSON, structuredClone and v8', async () => {
    const row = table.object()
    await row.normal.save('django_test.txt', 'content')
    const { save: _, delete: __, ...plain } = row
    for (const copy of [JSON.parse(JSON.stringify(row)), structuredClone(plain), v8.deserialize(v8.serialize(plain))]) {
      const revived = table.model.revive(copy as { id: number; normal: unknown })
      expect(revived.normal).toBeInstanceOf(FieldFile)
      expect([inspect(revived.normal), await revived.normal.size(), revived.id]).toEqual([
        '<FieldFile: tests/django_test.txt>',
        7,
        1,
      ])
      await expect(revived.normal.save('x', 'x')).rejects.toMatchObject({ code: 'unsupported' })
    }
    const empty = table.model.revive(JSON.parse(JSON.stringify(table.object())))
    expect(inspect(empty.normal)).toBe('<FieldFile: None>')
    expect(() => table.model.revive({ normal: 7 })).toThrow("'my_model.normal' is made of a name")
  })

  it('that is not stored refuses to be serialised', async () => {
    const pending = table.model.attach('normal', upload(Buffer.from('x'), 'up.txt'))
    expect([pending.name, pending.committed, pending.isEmpty, inspect(pending)]).toEqual([
      'up.txt',
      false,
      false,
      '<FieldFile: up.txt>',
    ])
    for (const copy of [JSON.stringify, structuredClone, v8.serialize]) {
      expect(() => copy({ pending })).toThrow("The file of 'normal' is not stored yet")
    }
    expect([await pending.size(), String(await pending.read())]).toEqual([1, 'x'])
    await expect(pending.url()).rejects.toMatchObject({ code: 'unsupported' })
    expect(structuredClone(pending.settle('tests/up.txt'))).toEqual({ name: 'tests/up.txt' })
  })

  it('is stored elsewhere as content', async () => {
    const row = table.object()
    await row.normal.save('a.txt', 'content')
    expect(await storage.save('copy.txt', row.normal)).toBe('copy.txt')
    expect(await storage.readText('copy.txt')).toBe('content')
  })

  it('has types for its values and its pictures', () => {
    expectTypeOf<Buffer>().toExtend<FileValue>()
    expectTypeOf<File>().toExtend<FileValue>()
    expectTypeOf<NodeJS.ReadableStream>().toExtend<FileValue>()
    expectTypeOf<FieldFile>().toExtend<FileValue>()
    expectTypeOf<number>().not.toExtend<FileValue>()
    const model = fileModel('m', { pdf: fileField(), photo: imageField() })
    expectTypeOf(model.revive({ id: 1 }).photo).toEqualTypeOf<ImageFieldFile>()
    expectTypeOf(model.attach('pdf', 'x')).toEqualTypeOf<FieldFile>()
    expectTypeOf(model.attributes).toEqualTypeOf<readonly ('pdf' | 'photo')[]>()
  })
})
