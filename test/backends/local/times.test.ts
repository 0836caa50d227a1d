import { readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { distinctTimeIn } from '../../../src/backends/local/distinct-time.ts'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { codeOf, ctx, localDriver, temporaryFolder } from './fixture.ts'
import { beforeOnHandles } from './hooks.ts'

const NOWHERE = { settings: {}, env: {} }
const OLD = new Date('2001-02-03T04:05:06.789Z')
const sidecars = (folder: string) => readdirSync(folder).filter(name => name.endsWith('.meta'))

test('the time of a file is set to the millisecond, before 1970 too; bytes and time of access stay', async () => {
  using folder = temporaryFolder()
  const storage = new LocalStorage({ location: folder.path }, NOWHERE)
  await storage.save('d/a.txt', 'bytes')
  const path = join(folder.path, 'd/a.txt')
  utimesSync(path, 1234.5, 5678)
  const dates = [
    OLD,
    new Date(0),
    new Date(999),
    new Date(-1),
    new Date('1960-01-01T00:00:00.001Z'),
    new Date(Date.UTC(2100, 1)),
  ]
  for (const date of dates) {
    await storage.setModifiedTime('d/a.txt', date)
    expect((await storage.getModifiedTime('d/a.txt')).toISOString()).toBe(date.toISOString())
    expect(statSync(path).atimeMs).toBe(1_234_500)
    expect(Math.floor(statSync(path).mtimeMs)).toBe(+date)
  }
  expect(await storage.readText('d/a.txt')).toBe('bytes')
})

test('every millisecond is kept, and times below it are distinct', () => {
  for (const base of [0, 1_700_000_000_000, 4_000_000_000_000]) {
    const times = Array.from({ length: 1000 }, (_, ms) => distinctTimeIn(base + ms))
    // As the system rounds: down to nanoseconds.
    expect(times.every((time, ms) => Math.floor(Math.floor(time * 1e6) / 1e3) === base + ms)).toBe(true)
  }
  expect(new Set(Array.from({ length: 32 }, () => distinctTimeIn(+OLD))).size).toBe(32)
})

test('the version has another etag: a condition on the old one fails', async () => {
  using folder = temporaryFolder()
  const storage = new LocalStorage({ location: folder.path }, NOWHERE)
  await storage.save('a', 'one')
  const { etag } = await storage.stat('a')
  await storage.setModifiedTime('a', OLD)
  const after = await storage.stat('a')
  expect(after.etag).not.toBe(etag)
  await expect(storage.save('a', 'two', { ifMatch: etag })).rejects.toMatchObject({ code: 'precondition_failed' })
  await storage.save('a', 'two', { ifMatch: after.etag })
  // A file of the same size and time has another etag.
  await storage.setModifiedTime('a', OLD)
  expect((await storage.stat('a')).etag).not.toBe(after.etag)
})

test('attributes stay with the file, and no other sidecar remains', async () => {
  using folder = temporaryFolder()
  const storage = new LocalStorage({ location: folder.path, keepMetadata: true }, NOWHERE)
  const attributes = { contentType: 'text/x-own', cacheControl: 'no-store', metadata: { a: 'ü' } }
  await storage.save('d/a.css', 'a {}', attributes)
  for (const date of [OLD, OLD, new Date(0)]) {
    await storage.setModifiedTime('d/a.css', date)
    expect(await storage.stat('d/a.css')).toMatchObject({ ...attributes, modifiedAt: date })
    expect(sidecars(join(folder.path, 'd'))).toHaveLength(1)
    expect(readdirSync(join(folder.path, 'd'))).toHaveLength(2)
  }
  // A file of another program has none before, and the type of its name afterwards.
  writeFileSync(join(folder.path, 'foreign.css'), 'a {}')
  await storage.setModifiedTime('foreign.css', OLD)
  expect(await storage.stat('foreign.css')).toMatchObject({ contentType: 'text/css', modifiedAt: OLD })
})

test('a failure keeps time and attributes', async () => {
  using folder = temporaryFolder()
  const driver = localDriver(folder.path, { keepMetadata: true })
  const storage = new LocalStorage({ location: folder.path, keepMetadata: true, maxAttempts: 1 }, NOWHERE)
  await storage.save('a', 'x', { metadata: { a: 'b' } })
  const before = await storage.stat('a')
  let calls = 0
  {
    using _ = await beforeOnHandles('utimes', () => {
      // The first call is that for the temporary file.
      if (++calls === 2) throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' })
    })
    expect(await codeOf(driver, driver.setModifiedAt('a', OLD, ctx))).toBe('permission_denied')
  }
  expect(await storage.stat('a')).toEqual({ ...before, accessedAt: expect.any(Date) })
  expect(sidecars(folder.path)).toHaveLength(1)
  expect(readdirSync(folder.path)).toHaveLength(2)
})

test('a link out of the folder is not followed; one inside is, if no attributes are kept', async () => {
  using folder = temporaryFolder()
  using outside = temporaryFolder()
  writeFileSync(join(outside.path, 'secret'), 'x')
  utimesSync(join(outside.path, 'secret'), 1, 1)
  symlinkSync(join(outside.path, 'secret'), join(folder.path, 'out'))
  symlinkSync('real', join(folder.path, 'in'))
  writeFileSync(join(folder.path, 'real'), 'x')
  const plain = new LocalStorage({ location: folder.path }, NOWHERE)
  await expect(plain.setModifiedTime('out', OLD)).rejects.toMatchObject({ code: 'suspicious_name' })
  expect(statSync(join(outside.path, 'secret')).mtimeMs).toBe(1000)
  await plain.setModifiedTime('in', OLD)
  expect(await plain.getModifiedTime('real')).toEqual(OLD)
  const keeping = new LocalStorage({ location: folder.path, keepMetadata: true }, NOWHERE)
  await expect(keeping.setModifiedTime('in', new Date(0))).rejects.toMatchObject({ code: 'unsupported' })
  expect(await plain.getModifiedTime('real')).toEqual(OLD)
})
