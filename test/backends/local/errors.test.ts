import { fstatSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LocalStorage } from '../../../src/backends/local/index.ts'
import { isStorageError } from '../../../src/core/errors.ts'
import { temporaryFolder } from './fixture.ts'
import { before, beforeOnHandles, systemError } from './hooks.ts'

const NOWHERE = { settings: {}, env: {} }
const OURS = /\/proc\/|\.holdall-/

/** Code, whether to try again, and the outcome where a step before the publication fails, and where the publication does. */
const TABLE: ReadonlyArray<[errno: string, code: string, retryable: boolean, outcome: string]> = [
  ['ENOSPC', 'no_space', false, 'not_applied'],
  ['EDQUOT', 'no_space', false, 'not_applied'],
  ['EMFILE', 'unavailable', true, 'not_applied'],
  ['ENFILE', 'unavailable', true, 'not_applied'],
  ['ENOMEM', 'unavailable', true, 'not_applied'],
  ['EBUSY', 'unavailable', true, 'not_applied'],
  ['ETXTBSY', 'unavailable', true, 'not_applied'],
  ['EACCES', 'permission_denied', false, 'not_applied'],
  ['EPERM', 'permission_denied', false, 'not_applied'],
  ['EROFS', 'permission_denied', false, 'not_applied'],
  ['EFBIG', 'too_large', false, 'not_applied'],
  ['ENAMETOOLONG', 'suspicious_name', false, 'not_applied'],
  ['ELOOP', 'suspicious_name', false, 'not_applied'],
  ['EXDEV', 'unsupported', false, 'not_applied'],
  ['ENOTSUP', 'unsupported', false, 'not_applied'],
  ['ESTALE', 'unavailable', true, 'unknown'],
  ['ENOTCONN', 'unavailable', true, 'unknown'],
  ['EIO', 'unknown', false, 'unknown'],
]

async function failureOf(work: Promise<unknown>): Promise<object> {
  const error = await work.then(
    () => undefined,
    reason => reason as unknown,
  )
  if (!isStorageError(error)) throw new Error(`no StorageError: ${error}`)
  for (const text of [error.message, String(error.stack)]) expect(text).not.toMatch(OURS)
  const cause = error.cause as Error & { path?: string }
  for (const text of [cause.message, cause.stack, cause.path]) expect(text ?? '').not.toMatch(OURS)
  const { code, retryable, outcome } = error
  return { code, retryable, outcome }
}

test.each(TABLE)('%s is %s, retryable %s, outcome of a publication %s', async (errno, code, retryable, outcome) => {
  using folder = temporaryFolder()
  const options = { location: folder.path, maxAttempts: 1, fileOverwrite: true }
  const storage = new LocalStorage(options, NOWHERE)
  await storage.save('d/file', 'old')
  const fail = (path: unknown, dest?: unknown) => {
    const at = typeof path === 'string' ? { path, ...(typeof dest === 'string' && { dest }) } : {}
    const named = 'path' in at ? ` '${at.path}'${'dest' in at ? ` -> '${at.dest}'` : ''}` : ''
    throw Object.assign(
      systemError(errno, 'as injected', 'step'),
      { message: `${errno}: as injected, step${named}` },
      at,
    )
  }
  for (const step of ['open', 'rename', 'lstat'] as const) {
    using _ = before(step, fail)
    const wanted = { code, retryable, outcome }
    if (step === 'rename') expect(await failureOf(storage.save('d/file', 'new'))).toEqual(wanted)
    if (step === 'rename') expect(await failureOf(storage.move('d/file', 'moved'))).toEqual(wanted)
    if (step === 'lstat') expect(await failureOf(storage.delete('d/file'))).toMatchObject({ code, retryable })
    if (step === 'open' && errno !== 'ELOOP') {
      expect(await failureOf(storage.open('d/file'))).toMatchObject({ code, retryable })
    }
  }
  for (const step of ['write', 'chmod', 'utimes', 'close'] as const) {
    using _ = await beforeOnHandles(step, () => fail(undefined))
    const wanted = { code, retryable, outcome: 'not_applied' }
    expect(await failureOf(storage.save('d/file', 'new')), step).toEqual(wanted)
  }
  expect(readdirSync(join(folder.path, 'd'))).toEqual(['file'])
})

test('errors of the system itself name the file that was meant', async () => {
  using folder = temporaryFolder()
  const storage = new LocalStorage({ location: folder.path, fileOverwrite: true, keepMetadata: true }, NOWHERE)
  await storage.save('d/file', 'x', { metadata: { a: 'b' } })
  mkdirSync(join(folder.path, 'd/folder/in'), { recursive: true })
  for (const work of [
    () => storage.save('d/folder', 'x'),
    () => storage.copy('d/file', 'd/folder', { overwrite: true }),
    () => storage.move('d/file', 'd/folder', { overwrite: true }),
    () => storage.edit('d/folder', 'w', file => file.write('x')),
  ]) {
    const error = (await work().then(Object, reason => reason as object)) as Error & { cause?: Error }
    expect(error).toMatchObject({ code: 'is_directory', retryable: false, outcome: 'not_applied' })
    expect(`${error.message} ${error.cause?.message ?? ''}`).not.toMatch(OURS)
  }
  expect((await storage.stat('d/file')).metadata).toEqual({ a: 'b' })
})

test('what cannot be made durable says that the change was made', async () => {
  using folder = temporaryFolder()
  const storage = new LocalStorage({ location: folder.path, fileOverwrite: true, maxAttempts: 1 }, NOWHERE)
  await storage.save('file', 'x')
  {
    using _ = await beforeOnHandles('sync', function (this: unknown) {
      const { fd } = this as { fd: number }
      if (fstatSync(fd).isDirectory()) throw systemError('EIO')
    })
    await expect(storage.delete('file')).rejects.toMatchObject({ code: 'unknown', outcome: 'applied' })
  }
  expect(await storage.exists('file')).toBe(false)
})
