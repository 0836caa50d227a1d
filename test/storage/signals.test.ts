import { afterAll, describe, expect, it } from 'vitest'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { StorageFile } from '../../src/files/storage-file.ts'
import { Storage } from '../../src/storage/storage.ts'
import { fileCalls, storageCalls } from '../../src/testing/aborted-calls.ts'
import { Kinds } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

/** Methods that do no I/O, and those that only release. */
const WITHOUT_SIGNAL: ReadonlySet<string> = new Set([
  ...[
    'constructor',
    'connect',
    'makeDriver',
    'path',
    'supports',
    'keyOf',
    'nameOf',
    'toJSON',
    'decoder',
    'writeOptions',
    'checkUrl',
    'unsignedRemedy',
  ],
  ...['ref', 'fileRef', 'normalRef', 'newRef', 'isSpelled', 'isRoot', 'objectParametersOf'],
  ...['getValidName', 'getAlternativeName', 'generateFilename', 'getNameMaxLength', 'prepareContent'],
  ...['tell', 'toString', 'discard'],
])

function methodsOf(type: { readonly prototype: object }): string[] {
  const names: string[] = []
  for (let each = type.prototype; each !== Object.prototype; each = Object.getPrototypeOf(each)) {
    const described = Object.entries(Object.getOwnPropertyDescriptors(each))
    names.push(...described.filter(([, { value }]) => typeof value === 'function').map(([name]) => name))
  }
  return names
}

describe('an aborted signal', () => {
  it.each([
    ['Storage', Storage, storageCalls, ['close']],
    ['StorageFile', StorageFile, fileCalls, []],
  ] as const)('is tried with every method of %s that takes one', (_, type, calls, releasing) => {
    const tried = new Set(Object.keys(calls).map(title => title.split(' ', 1)[0]))
    const missing = methodsOf(type).filter(
      name => !tried.has(name) && !WITHOUT_SIGNAL.has(name) && !releasing.includes(name as never),
    )
    expect(missing).toEqual([])
    for (const name of tried) expect(methodsOf(type)).toContain(name)
  })

  it('reaches no server', async () => {
    const storage = kinds.s3()
    await storage.save('file', 'bytes')
    kinds.server.requests.length = 0
    for (const call of Object.values(storageCalls)) {
      await expect(call(storage, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' })
    }
    expect(kinds.server.requests).toEqual([])
    expect(storage).toBeInstanceOf(S3Storage)
  })

  it('ends the making of every kind of URL of S3', async () => {
    for (const options of [{}, { customDomain: 'cdn.example' }, { querystringAuth: false }]) {
      const making = kinds.s3(options).url('file', { signal: AbortSignal.abort() })
      await expect(making).rejects.toMatchObject({ code: 'aborted', outcome: 'not_applied' })
    }
  })

  it('ends the sweep of a local disk', async () => {
    const storage = kinds.local()
    await storage.save('file', 'bytes')
    await expect(storage.sweep({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('a signal of one call', () => {
  it('ends a read that waits for the server, and the next read goes on', async () => {
    const storage = kinds.s3()
    await storage.save('file', Buffer.alloc(600_000, 'abcdefg'))
    await using file = await storage.open('file')
    expect((await file.read(7)).toString()).toBe('abcdefg')
    await file.seek(300_000)
    const controller = new AbortController()
    const match = () => {
      controller.abort(new Error('enough'))
      return true
    }
    kinds.server.faults.add({ operation: 'GetObject', match, fault: { do: 'hold', ms: 20 } })
    const read = file.read(10, { signal: controller.signal })
    await expect(read).rejects.toMatchObject({ code: 'aborted', operation: 'read', fileName: 'file' })
    expect((await file.read(4)).toString()).toBe('bcde')
  })

  it('ends that call and not the upload that it began', async () => {
    const storage = kinds.s3({ partSize: 5 * 1024 * 1024 })
    const file = await storage.open('large', 'wb')
    const first = new AbortController()
    await file.write(Buffer.alloc(6_000_000, 'a'), { signal: first.signal })
    first.abort()
    await file.write(Buffer.alloc(6_000_000, 'b'))
    await file.close()
    expect(await storage.size('large')).toBe(12_000_000)
  })
})
