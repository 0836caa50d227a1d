import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isStorageError, type StorageError } from '../../src/core/errors.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
const storages: Record<string, Storage> = {
  memory: kinds.memory({ location: 'below' }),
  local: kinds.local(),
  s3: kinds.s3(),
  's3 without conditions': kinds.s3({ conditionalWrites: 'off' }),
}
const names = Object.keys(storages)
beforeAll(() => Promise.all(Object.values(storages).map(storage => storage.save('taken', 'x'))))
afterAll(() => kinds.end())

/** What is done with a name that does not exist. */
const MISSING: Readonly<Record<string, (storage: Storage, name: string) => Promise<unknown>>> = {
  stat: (storage, name) => storage.stat(name),
  size: (storage, name) => storage.size(name),
  getModifiedTime: (storage, name) => storage.getModifiedTime(name),
  readBytes: (storage, name) => storage.readBytes(name),
  'readBytes of a range': (storage, name) => storage.readBytes(name, { start: 1, end: 3 }),
  createReadStream: (storage, name) => storage.createReadStream(name).toArray(),
  open: (storage, name) => storage.open(name),
  'open to change': (storage, name) => storage.open(name, 'r+'),
  copy: (storage, name) => storage.copy(name, 'copy'),
  move: (storage, name) => storage.move(name, 'moved'),
  'move onto itself': (storage, name) => storage.move(name, name),
}

/** What fails with a name that exists. */
const REFUSED: Readonly<Record<string, (storage: Storage, name: string) => Promise<unknown>>> = {
  'open as new': async (storage, name) => (await storage.open(name, 'x')).close(),
  'read beyond the end': storage => storage.readBytes('taken', { start: 9 }),
}

/** What is done with a name that means another file, and what the error calls it. */
const ODD: Readonly<Record<string, readonly [string, (storage: Storage, name: string) => Promise<unknown>]>> = {
  stat: ['stat', (storage, name) => storage.stat(name)],
  exists: ['stat', (storage, name) => storage.exists(name)],
  delete: ['delete', (storage, name) => storage.delete(name)],
  open: ['open', (storage, name) => storage.open(name)],
  readBytes: ['read', (storage, name) => storage.readBytes(name)],
  listdir: ['list', (storage, name) => storage.listdir(name)],
  page: ['list', (storage, name) => storage.page(name)],
  save: ['save', (storage, name) => storage.save(name, 'x')],
}

async function failure(work: Promise<unknown>): Promise<StorageError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!isStorageError(error)) throw new Error(`expected a StorageError, got ${String(error)}`)
  return error
}

describe.each(names)('on %s', kind => {
  const storage = storages[kind]!

  it.each(Object.keys(MISSING))('%s says in the same words that a file does not exist', async title => {
    const error = await failure(MISSING[title]!(storage, 'no/such'))
    expect(error).toMatchObject({ code: 'not_found', fileName: 'no/such' })
    expect(error.message).toMatch(/^\w+ 'no\/such': the file does not exist\.$/)
  })

  it.each(Object.keys(REFUSED))('%s names the file as the caller did', async title => {
    expect((await failure(REFUSED[title]!(storage, './taken'))).fileName).toMatch(/^(.\/)?taken$/)
  })

  it.each(Object.keys(ODD))('%s of a name in another spelling says which call was refused', async title => {
    const [operation, call] = ODD[title]!
    const refused = { code: 'suspicious_name', fileName: '../taken', operation }
    expect(await failure(call(storage, '../taken'))).toMatchObject(refused)
    expect((await failure(call(storage, 5 as never))).fileName).toBeUndefined()
  })

  it.each(['save', 'open', 'copy', 'move'])('%s refuses an option that it does not have', async method => {
    const options = { if_match: 'x' }
    const calls: Record<string, () => Promise<unknown>> = {
      save: () => storage.save('taken', 'lost', options as object),
      open: () => storage.open('taken', 'w', options as object),
      copy: () => storage.copy('taken', 'copied', options as object),
      move: () => storage.move('taken', 'moved', options as object),
    }
    const error = await failure(calls[method]!())
    expect(error).toMatchObject({ code: 'invalid_argument', outcome: 'not_applied', fileName: expect.any(String) })
    expect(error.message).toContain(`${method} has no option 'if_match'`)
    expect(await storage.readText('taken')).toBe('x')
  })

  it('replaces exactly the version whose etag is given', async () => {
    const name = await storage.save('versions', 'one', { overwrite: true })
    const { etag } = await storage.stat(name)
    if (!storage.supports('ifMatch')) {
      const refused = { code: 'unsupported', outcome: 'not_applied' }
      await expect(storage.save(name, 'two', { ifMatch: etag })).rejects.toMatchObject(refused)
      expect(await storage.readText(name)).toBe('one')
      return
    }
    expect(await storage.save(name, 'two', { ifMatch: etag })).toBe(name)
    const stale = storage.save(name, 'three', { ifMatch: etag })
    await expect(stale).rejects.toMatchObject({ code: 'precondition_failed', fileName: name })
    expect(await storage.readText(name)).toBe('two')
  })
})
