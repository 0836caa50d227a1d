import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { isStorageError } from '../core/errors.ts'
import type { Storage } from '../storage/storage.ts'
import { fileCalls, storageCalls } from './aborted-calls.ts'
import { settled } from './case.ts'
import { patternBytes, sameBytes } from './driver-place.ts'
import { failsWith, namesOf, type StorageCase, textOf } from './storage-place.ts'

/** No data is lost by a wrong name, a wrong range, a concurrent change or an aborted call. */
export const safetyCases: readonly StorageCase[] = [
  ...['', '.', './', 'a/..', './b/../'].map(
    (name): StorageCase => ({
      title: `The storage itself is no file: ${JSON.stringify(name)} is not read, written, copied, moved or deleted.`,
      async run(storage) {
        await storage.save('stays', 'bytes')
        await failsWith('invalid_argument', storage.delete(name))
        await failsWith('invalid_argument', storage.deleteMany([name]))
        for (const mode of ['rb', 'wb', 'ab', 'xb', 'r+b'] as const) {
          await failsWith('suspicious_name', storage.open(name, mode))
        }
        await failsWith('suspicious_name', buffer(storage.createReadStream(name)))
        for (const overwrite of [true, false]) {
          await failsWith('suspicious_name', storage.save(name, 'bad', { overwrite }))
          for (const method of ['copy', 'move'] as const) {
            await failsWith('suspicious_name', storage[method]('stays', name, { overwrite }))
            await failsWith('suspicious_name', storage[method](name, 'other', { overwrite }))
          }
        }
        assert.equal(await storage.exists(name), true)
        assert.deepEqual(await namesOf(storage), ['stays'])
        assert.equal(await textOf(storage, 'stays'), 'bytes')
      },
    }),
  ),
  {
    title: 'A name that ends in a slash is no file, and nothing lies below a file.',
    async run(storage) {
      await storage.save('file', 'bytes')
      assert.equal(await storage.exists('file/'), false)
      await storage.delete('file/')
      assert.equal(await textOf(storage, 'file'), 'bytes')
      await failsWith('suspicious_name', storage.open('file/'))
      await failsWith('suspicious_name', buffer(storage.createReadStream('file/')))
      assert.deepEqual(await storage.listdir('file'), [[], []])
    },
  },
  {
    title: 'overwrite: false replaces nothing, also where the storage overwrites.',
    overwrite: true,
    async run(storage) {
      await storage.save('taken.txt', 'old')
      await storage.save('from.txt', 'new')
      const names = [
        await storage.save('taken.txt', 'new', { overwrite: false }),
        await storage.save('taken.txt', ['n', 'ew'], { overwrite: false }),
        await storage.copy('from.txt', 'taken.txt', { overwrite: false }),
        await storage.move('from.txt', 'taken.txt', { overwrite: false }),
      ]
      assert.equal(new Set([...names, 'taken.txt']).size, 5, names.join(' '))
      for (const name of names) assert.equal(await textOf(storage, name), 'new')
      assert.equal(await textOf(storage, 'taken.txt'), 'old')
    },
  },
  {
    title: 'A copy or move over a taken name replaces it where that is asked for, and onto itself changes nothing.',
    async run(storage) {
      for (const name of ['one', 'two']) await storage.save(name, name)
      assert.equal(await storage.copy('one', 'two', { overwrite: true }), 'two')
      assert.equal(await textOf(storage, 'two'), 'one')
      await storage.copy('one', 'one', { overwrite: true })
      await storage.move('one', './one', { overwrite: true })
      await storage.move('one', 'one')
      assert.equal(await textOf(storage, 'one'), 'one')
      assert.equal(await storage.move('one', 'two', { overwrite: true }), 'two')
      assert.deepEqual(await namesOf(storage), ['two'])
    },
  },
  {
    title: 'An empty range is empty, one that is none is an invalid_argument, one beyond the end an invalid_range.',
    async run(storage, { refusesEmpty }) {
      await storage.save('ten', '0123456789')
      const read = (start: number, end?: number) => buffer(storage.createReadStream('ten', { start, end }))
      for (const place of [0, 4, 10]) assert.equal((await read(place, place)).byteLength, 0)
      assert.equal((await read(8, 99)).toString(), '89')
      assert.equal((await read(1)).toString(), '123456789')
      assert.equal((await read(0, 4)).toString(), '0123')
      for (const [start, end] of [[5, 3], [-1], [0, -1], [1.5], [Number.NaN], [0, 2.5]] as [number, number?][]) {
        await failsWith('invalid_argument', read(start, end))
      }
      await failsWith('invalid_range', read(11, 11))
      if (storage.supports('ranges')) await failsWith('invalid_range', read(10))
      await failsWith('not_found', buffer(storage.createReadStream('missing', { start: 3, end: 3 })))
      if (refusesEmpty === true) return failsWith('unsupported', storage.save('none', ''))
      await storage.save('none', '')
      return assert.equal((await buffer(storage.createReadStream('none'))).byteLength, 0)
    },
  },
  {
    title:
      'Of two who change one version the second is refused and its bytes are not mixed in, where versions can be told apart.',
    async run(storage) {
      await storage.save('log', 'start\n')
      const { etag } = await storage.stat('log')
      for (const [name, taken] of [
        ['log', 'precondition_failed'],
        ['fresh', 'exists'],
      ] as const) {
        const [one, two] = [await storage.open(name, 'a'), await storage.open(name, 'a')]
        await one.write('one\n')
        await two.write('two\n')
        await one.close()
        const promised = name === 'fresh' || etag !== undefined || storage.supports('ifMatch')
        if (promised) await failsWith(taken, two.close())
        else await two.close()
        const old = name === 'log' ? 'start\n' : ''
        assert.equal(await textOf(storage, name), promised ? `${old}one\n` : `${old}two\n`)
      }
    },
  },
  {
    title:
      'Of two who open a new name in mode x the one who closes later fails with exists, however much it has written.',
    async run(storage) {
      for (const [name, bytes] of [
        ['small', patternBytes(10)],
        ['large', patternBytes(700_000)],
      ] as const) {
        const [one, two] = [await storage.open(name, 'xb'), await storage.open(name, 'xb')]
        await one.write(bytes)
        await two.write(patternBytes(bytes.length, 5))
        await one.close()
        await failsWith('exists', two.close())
        sameBytes(await storage.readBytes(name), bytes)
      }
    },
  },
  {
    title:
      'A file that is replaced while it is open is read as it was or fails with precondition_failed, also after a seek.',
    async run(storage) {
      for (const size of [1000, 700_000]) {
        const old = patternBytes(size)
        await storage.save('replaced', old, { overwrite: true })
        const { etag } = await storage.stat('replaced')
        await using file = await storage.open('replaced', 'rb')
        sameBytes(await file.read(10), old.subarray(0, 10))
        await storage.save('replaced', patternBytes(size, 5), { overwrite: true })
        for (const place of [size - 20, 5, size >> 1]) {
          await file.seek(place)
          const bytes = await file.read(20).catch(error => {
            if (!isStorageError(error, 'precondition_failed')) throw error
            return undefined
          })
          // Without an etag two versions of one size cannot be distinguished.
          if (bytes !== undefined && etag !== undefined) sameBytes(bytes, old.subarray(place, place + 20))
        }
      }
    },
  },
  {
    title: 'A source that fails is told from a storage that fails, and one that was read before is refused.',
    async run(storage) {
      const broken = (): Readable =>
        new Readable({ read: () => {}, construct: done => done(new Error('no such source')) })
      for (const overwrite of [true, false]) {
        await failsWith('source_failed', storage.save('failed', broken(), { overwrite }))
        const used = Readable.from(['used'], { objectMode: false })
        await buffer(used)
        await failsWith('invalid_argument', storage.save('failed', used, { overwrite }))
        const locked = new Blob(['locked']).stream()
        locked.getReader()
        await failsWith('invalid_argument', storage.save('failed', locked, { overwrite }))
      }
      assert.deepEqual(await namesOf(storage), [])
    },
  },
  ...[true, false].map(
    (overwrite): StorageCase => ({
      title: `A save whose source hangs ends when it is aborted, with overwriting ${overwrite ? 'on' : 'off'}.`,
      async run(storage) {
        const abort = new AbortController()
        const source = new Readable({
          read() {
            this.push('first piece')
            this._read = () => queueMicrotask(() => abort.abort(new Error('enough')))
          },
        })
        const save = storage.save('hanging', source, { overwrite, signal: abort.signal })
        await failsWith('aborted', settled(save, 'the aborted save'))
        source.destroy()
        assert.deepEqual(await namesOf(storage), [])
      },
    }),
  ),
  ...Object.entries(storageCalls).map(
    ([what, call]): StorageCase => ({
      title: `With an aborted signal ${what} is refused as aborted, not applied, and changes nothing.`,
      async run(storage) {
        await storage.save('file', 'bytes')
        const modified = (await storage.stat('file')).modifiedAt
        await refused(call(storage, AbortSignal.abort(new Error('own reason'))))
        await unchanged(storage)
        assert.deepEqual((await storage.stat('file')).modifiedAt, modified)
      },
    }),
  ),
  {
    title:
      'With an aborted signal every call of an open file is refused, the file stays usable, and close publishes nothing.',
    async run(storage) {
      await storage.save('file', 'bytes')
      const signal = AbortSignal.abort(new Error('own reason'))
      const file = await storage.open('file', 'r+')
      for (const [what, call] of Object.entries(fileCalls)) {
        await refused(call(file, signal), what)
        if (what !== 'close') {
          await file.seek(0)
          assert.equal(await file.read(), 'bytes', `after ${what}`)
        }
      }
      await failsWith('closed', file.read())
      await unchanged(storage)
      const controller = new AbortController()
      const writer = await storage.open('file', 'w', { signal: controller.signal })
      await writer.write('changed')
      controller.abort()
      await refused(writer.write('more'))
      await failsWith('aborted', writer.close())
      await unchanged(storage)
    },
  },
]

async function refused(call: Promise<unknown>, what = 'it'): Promise<void> {
  const error = await call.then(
    () => assert.fail(`${what} succeeded`),
    (error: unknown) => error,
  )
  assert.ok(isStorageError(error), `${what}: no StorageError: ${String(error)}`)
  assert.deepEqual([error.code, error.outcome], ['aborted', 'not_applied'], `${what}: ${error.message}`)
}

async function unchanged(storage: Storage): Promise<void> {
  assert.deepEqual(await namesOf(storage), ['file'])
  assert.equal(await textOf(storage, 'file'), 'bytes')
}
