import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { ContentFile } from '../files/content-file.ts'
import { failsWith, namesOf, type StorageCase, textOf } from './storage-place.ts'

/** Files and their modes; a failed call changes nothing. */
export const fileCases: readonly StorageCase[] = [
  {
    title: 'The manual, 1.1.4: exists, open, write, close, read, delete.',
    async run(storage) {
      assert.equal(await storage.exists('storage_test'), false)
      const written = await storage.open('storage_test', 'w')
      await written.write('storage contents')
      await written.close()
      assert.equal(await storage.exists('storage_test'), true)
      const file = await storage.open('storage_test', 'r')
      assert.equal(await file.read(), 'storage contents')
      await file.close()
      await storage.delete('storage_test')
      assert.equal(await storage.exists('storage_test'), false)
    },
  },
  {
    title: 'Without a mode a file gives bytes; with r it gives text, counted in code points.',
    async run(storage) {
      await storage.save('text', 'aé🙂z')
      await using bytes = await storage.open('text')
      assert.deepEqual(await bytes.read(), Buffer.from('aé🙂z'))
      await using text = await storage.open('text', 'r')
      assert.deepEqual([await text.read(3), await text.read(3), await text.read(3)], ['aé🙂', 'z', ''])
    },
  },
  {
    title: 'seek and tell go by bytes, from the beginning, the position or the end.',
    async run(storage) {
      await storage.save('digits', '0123456789')
      await using file = await storage.open('digits', 'rb')
      assert.equal((await file.read(3)).toString(), '012')
      assert.equal(file.tell(), 3)
      await file.seek(8)
      assert.equal((await file.read()).toString(), '89')
      await file.seek(-4, 2)
      assert.equal((await file.read(2)).toString(), '67')
      await file.seek(-3, 1)
      assert.deepEqual([file.tell(), (await file.read(1)).toString(), await file.size()], [5, '5', 10])
    },
  },
  {
    title: 'The lines of a file that was opened for reading close it when they are all read, and not before.',
    async run(storage) {
      await storage.save('lines', 'one\ntwo\r\nthree')
      for (const mode of ['r', 'rb'] as const) {
        const file = await storage.open('lines', mode)
        for await (const _ of file) break
        assert.equal(file.closed, false)
        const lines: string[] = []
        for await (const line of file) lines.push(String(line))
        assert.deepEqual(lines, ['one\n', mode === 'r' ? 'two\n' : 'two\r\n', 'three'])
        assert.equal(file.closed, true)
        await file.close()
      }
    },
  },
  {
    title: 'w replaces the file by all that is written, and by nothing when nothing is.',
    async run(storage, { refusesEmpty }) {
      await storage.save('w', 'a longer old file')
      await storage.edit('w', 'w', async file => {
        await file.write('one')
        await file.write('twö')
      })
      assert.equal(await textOf(storage, 'w'), 'onetwö')
      if (refusesEmpty === true) {
        await failsWith(
          'unsupported',
          storage.edit('w', 'wb', () => undefined),
        )
        return assert.equal(await textOf(storage, 'w'), 'onetwö')
      }
      await storage.edit('w', 'wb', () => undefined)
      assert.equal(await textOf(storage, 'w'), '')
      await storage.edit('new/w', 'wb', () => undefined)
      return assert.equal(await storage.size('new/w'), 0)
    },
  },
  {
    title: 'a writes at the end and makes a missing file.',
    async run(storage) {
      for (const line of ['one\n', 'two\n']) await storage.edit('log', 'a', async file => void (await file.write(line)))
      assert.equal(await textOf(storage, 'log'), 'one\ntwo\n')
    },
  },
  {
    title: 'r+ changes a file in its middle; a missing one is not_found.',
    async run(storage) {
      await storage.save('r', '0123456789')
      await storage.edit('r', 'r+b', async file => {
        assert.equal((await file.read(2)).toString(), '01')
        await file.seek(4)
        await file.write(Buffer.from('XY'))
        assert.equal((await file.read(2)).toString(), '67')
      })
      assert.equal(await textOf(storage, 'r'), '0123XY6789')
      await failsWith('not_found', storage.open('missing', 'r+'))
    },
  },
  {
    title: 'w+ reads back what it wrote, and truncate cuts.',
    async run(storage) {
      await storage.save('w', 'old')
      await storage.edit('w', 'w+', async file => {
        await file.write('new text')
        await file.seek(4)
        assert.equal(await file.read(), 'text')
        await file.truncate(3)
      })
      assert.equal(await textOf(storage, 'w'), 'new')
    },
  },
  {
    title: 'x makes a new file and fails with exists on a taken name.',
    async run(storage) {
      await storage.edit('x', 'x', async file => void (await file.write('first')))
      await failsWith(
        'exists',
        storage.edit('x', 'x', async file => void (await file.write('second'))),
      )
      assert.equal(await textOf(storage, 'x'), 'first')
    },
  },
  {
    title: 'What a mode does not allow is refused.',
    async run(storage) {
      await storage.save('file', 'bytes')
      await using reader = await storage.open('file', 'rb')
      await failsWith(
        'unsupported_mode',
        Promise.resolve().then(() => reader.write(Buffer.from('x'))),
      )
      const writer = await storage.open('file', 'wb')
      await failsWith(
        'unsupported_mode',
        Promise.resolve().then(() => writer.read()),
      )
      await writer.discard()
      await failsWith('invalid_argument', storage.open('file', 'rw' as 'r'))
      await failsWith('unsupported_mode', storage.open('file', 'q' as 'r'))
      assert.equal(await textOf(storage, 'file'), 'bytes')
    },
  },
  {
    title: 'edit keeps the old file when its work throws, and throws the same.',
    async run(storage) {
      await storage.save('kept', 'old bytes')
      const failure = new Error('work failed')
      for (const [name, mode] of [
        ['kept', 'w'],
        ['kept', 'a'],
        ['kept', 'r+'],
        ['new', 'w'],
        ['new', 'x'],
      ] as const) {
        const work = storage.edit(name, mode, async file => {
          await file.write('half')
          throw failure
        })
        await assert.rejects(work, error => error === failure)
      }
      assert.equal(await textOf(storage, 'kept'), 'old bytes')
      assert.deepEqual(await namesOf(storage), ['kept'])
    },
  },
  {
    title: 'await using publishes at the end of the block and not before.',
    async run(storage) {
      await storage.save('block', 'old')
      {
        await using file = await storage.open('block', 'w')
        await file.write('new')
        assert.equal(await textOf(storage, 'block'), 'old')
      }
      assert.equal(await textOf(storage, 'block'), 'new')
    },
  },
  {
    title: 'A missing file is not_found at open, size and stat; deleting it is fine, an empty name is not.',
    async run(storage) {
      await failsWith('not_found', storage.open('missing'))
      await failsWith('not_found', storage.open('missing', 'r'))
      await failsWith('not_found', storage.size('missing'))
      await failsWith('not_found', storage.stat('missing'))
      await storage.delete('missing')
      await failsWith('invalid_argument', storage.delete(''))
      const { errors } = await storage.deleteMany(['missing', 'missing/too'])
      assert.deepEqual(errors, [])
    },
  },
  {
    title: 'Files of ours are content: read from their beginning and left open.',
    async run(storage) {
      const made = new ContentFile('contént', 'made.txt')
      assert.equal(await storage.save(null, made), 'made.txt')
      assert.equal(await made.read(), 'contént')
      await using source = await storage.open('made.txt', 'rb')
      await source.read(2)
      await storage.save('again.txt', source)
      assert.equal(source.closed, false)
      assert.equal(await textOf(storage, 'again.txt'), 'contént')
    },
  },
  {
    title: 'A save whose source fails or that is aborted leaves nothing.',
    async run(storage) {
      await assert.rejects(storage.save('failed', failing()))
      await assert.rejects(storage.save('failed', failing(), { overwrite: true }))
      await failsWith('aborted', storage.save('aborted', 'x', { signal: AbortSignal.abort() }))
      assert.deepEqual(await namesOf(storage), [])
    },
  },
  {
    title: 'Streams read a part of a file, whose end is exclusive, and write one.',
    async run(storage) {
      const write = await storage.createWriteStream('stream')
      await pipeline([Buffer.from('01234'), Buffer.from('56789')], write)
      assert.equal(await textOf(storage, 'stream'), '0123456789')
      const read = await storage.createReadStream('stream', { start: 2, end: 5 })
      const chunks: Uint8Array[] = []
      for await (const chunk of read) chunks.push(chunk)
      assert.equal(Buffer.concat(chunks).toString(), '234')
    },
  },
  {
    title: 'A file or a part of it is read at once, as bytes or text.',
    async run(storage, { refusesEmpty }) {
      await storage.save('whole', 'häppy')
      if (refusesEmpty === true) await failsWith('unsupported', storage.save('empty', ''))
      else await storage.save('empty', '')
      assert.deepEqual(await storage.readBytes('whole'), Buffer.from('häppy'))
      assert.equal(await storage.readText('whole'), 'häppy')
      assert.equal(await storage.readText('whole', { start: 3, end: 5 }), 'pp')
      if (refusesEmpty !== true) assert.equal(await storage.readText('empty'), '')
      await failsWith('not_found', storage.readBytes('missing'))
      await failsWith('invalid_range', storage.readText('whole', { start: 9 }))
    },
  },
  {
    title: 'Times are Dates, or the storage says that it keeps none.',
    async run(storage) {
      await storage.save('timed', 'x')
      const { modifiedAt } = await storage.stat('timed')
      if (modifiedAt === undefined) return failsWith('unsupported', storage.getModifiedTime('timed'))
      assert.deepEqual(await storage.getModifiedTime('timed'), modifiedAt)
      return failsWith('not_found', storage.getModifiedTime('missing'))
    },
  },
  {
    title: 'The content type is the one given, else guessed from the name.',
    async run(storage) {
      await storage.save('page.html', '<p>')
      await storage.save('odd.html', '<p>', { contentType: 'text/x-odd', metadata: { owner: 'Grüße' } })
      if (!storage.supports('metadata'))
        return assert.equal((await storage.stat('odd.html')).metadata?.['owner'], undefined)
      assert.match((await storage.stat('page.html')).contentType ?? '', /^text\/html/)
      const { contentType, metadata } = await storage.stat('odd.html')
      return assert.deepEqual([contentType, metadata?.['owner']], ['text/x-odd', 'Grüße'])
    },
  },
  {
    title: 'path leads to the bytes on this machine, or is refused.',
    async run(storage) {
      await storage.save('dir/file', 'bytes')
      const path = Promise.resolve().then(() => storage.path('dir/file'))
      if (!storage.supports('path')) return failsWith('unsupported', path)
      return assert.equal(await readFile(await path, 'utf8'), 'bytes')
    },
  },
]

async function* failing(): AsyncGenerator<string> {
  yield 'half'
  throw new Error('the source failed')
}
