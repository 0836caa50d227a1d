import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readlinkSync, truncateSync, utimesSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { DiskFile } from '../../src/static/disk-file.ts'
import { Tree } from './finders/fixture.ts'

const LARGE = Buffer.alloc(900_000, 'abcdefg')

async function streamed(file: DiskFile, options?: { readonly signal: AbortSignal }): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of file.open(options)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('files of any size are read whole, at once and as a stream', async () => {
  using tree = new Tree({ empty: '', one: 'x' })
  tree.write('large', LARGE)
  for (const [name, bytes] of Object.entries({ empty: Buffer.alloc(0), one: Buffer.from('x'), large: LARGE })) {
    const file = new DiskFile(name, tree.at(name))
    expect((await file.readUpTo(1_000_000))?.equals(bytes), name).toBe(true)
    expect((await streamed(file)).equals(bytes), name).toBe(true)
  }
})

test('a file that is larger than the limit is not read, one of exactly the limit is', async () => {
  using tree = new Tree({ a: '12345' })
  const file = new DiskFile('a', tree.at('a'))
  expect(await file.readUpTo(4)).toBeUndefined()
  expect(String(await file.readUpTo(5))).toBe('12345')
  expect(await file.readUpTo(-1)).toBeUndefined()
})

test('the time of the last change is that of the system', async () => {
  using tree = new Tree({ a: '' })
  const time = new Date('2024-06-08T01:02:03.456Z')
  utimesSync(tree.at('a'), time, time)
  expect(await new DiskFile('a', tree.at('a')).modifiedAt()).toEqual(time)
})

test('what goes wrong is an error with a code, which names the path', async () => {
  using tree = new Tree({ a: '' })
  mkdirSync(tree.at('folder'))
  execFileSync('mkfifo', [tree.at('pipe')])
  const expected = {
    gone: ['not_found', `read '${tree.at('gone')}': the file does not exist.`],
    'a/b': ['not_found', `read '${tree.at('a/b')}': the file does not exist.`],
    folder: ['is_directory', `read '${tree.at('folder')}': it is not a regular file.`],
    // A pipe that nothing writes to would be waited for without end.
    pipe: ['unsupported', `read '${tree.at('pipe')}': it is not a regular file.`],
  }
  for (const [name, [code, message]] of Object.entries(expected)) {
    const file = new DiskFile(name, tree.at(name))
    const error = expect.objectContaining({ code, message, operation: 'read', fileName: tree.at(name) })
    await expect(file.readUpTo(10)).rejects.toEqual(error)
    await expect(streamed(file)).rejects.toEqual(error)
  }
  await expect(new DiskFile('gone', tree.at('gone')).modifiedAt()).rejects.toMatchObject({ code: 'not_found' })
})

test.each(['grows', 'shrinks'])('a stream of a file that %s meanwhile fails', async how => {
  using tree = new Tree()
  tree.write('a', LARGE)
  const file = new DiskFile('a', tree.at('a'))
  const read = async () => {
    let count = 0
    for await (const chunk of file.open()) {
      if (count === 0 && how === 'grows') await appendFile(tree.at('a'), LARGE)
      else if (count === 0) truncateSync(tree.at('a'), 600_000)
      count += chunk.length
    }
  }
  await expect(read()).rejects.toMatchObject({
    code: 'source_failed',
    message: `read '${tree.at('a')}': its length changed while it was read. Is a build still running?`,
  })
})

test('a signal ends reading', async () => {
  using tree = new Tree()
  tree.write('a', LARGE)
  const file = new DiskFile('a', tree.at('a'))
  const signal = AbortSignal.abort()
  for (const read of [file.readUpTo(1, { signal }), file.modifiedAt({ signal }), streamed(file, { signal })]) {
    await expect(read).rejects.toMatchObject({ code: 'aborted' })
  }
  const controller = new AbortController()
  const stream = file.open({ signal: controller.signal })
  const read = pipeline(stream, async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      controller.abort()
      yield chunk
    }
  })
  await expect(read).rejects.toMatchObject({ code: 'aborted' })
})

test('no descriptor stays open, also of streams that are left', async () => {
  using tree = new Tree({ small: 'x' })
  tree.write('a', LARGE)
  const openOf = () =>
    readdirSync('/proc/self/fd').filter(descriptor => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(tree.path)
      } catch {
        return false
      }
    })
  const file = new DiskFile('a', tree.at('a'))
  await file.readUpTo(1)
  await file.readUpTo(1_000_000)
  await new DiskFile('gone', tree.at('gone')).readUpTo(1).catch(() => {})
  await streamed(file)
  for (const isRead of [true, false]) {
    const stream = file.open()
    const closed = new Promise(resolve => stream.once('close', resolve))
    if (isRead) for await (const _ of stream) break
    stream.destroy()
    await closed
  }
  expect(openOf()).toEqual([])
})
