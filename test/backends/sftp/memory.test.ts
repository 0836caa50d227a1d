import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { startSftpServer } from '../../servers/sftp.ts'
import { compilingOnce, runNode } from '../../support/child.ts'
import { at, hold, openAt, withStorage } from './support.ts'

const server = await startSftpServer()
afterAll(() => server.close())

const MIB = 1024 * 1024
const SIZE = 28 * MIB
/** Sixteen pieces in flight, encrypted copies of some, and what waits in the source. */
const MOST = 16 * MIB

it.each([
  ['up', 'a stream of unknown length that is saved'],
  ['open', 'a file that is written by open'],
  ['down', 'a stream that is read'],
])('%s: %s takes little memory', async way => {
  if (way === 'down') server.files.put('media/large', Buffer.alloc(SIZE, 'x'))
  const env = { ...compilingOnce(), OPTIONS: JSON.stringify(at(server)) }
  const program = join(import.meta.dirname, 'bounded.child.ts')
  const { stdout } = await runNode(['--expose-gc', program, way, String(SIZE)], { env })
  const { moved, peak, after } = JSON.parse(stdout)
  expect(moved).toBe(SIZE)
  expect(peak).toBeLessThan(MOST)
  expect(after).toBeLessThan(2 * MIB)
  if (way !== 'down') expect(server.files.node('media/large')!.size).toBe(SIZE)
  server.files.clear()
})

it('a server that answers no WRITE holds the source back', async () => {
  // Those behind it wait for it.
  const held = hold(server, { on: 'WRITE' })
  const abort = new AbortController()
  let given = 0
  async function* source(): AsyncGenerator<Buffer> {
    for (; given < 64 * MIB; given += 65_536) yield Buffer.alloc(65_536, 1)
  }
  await withStorage(server, {}, async files => {
    // Saved under this name or not at all, so that it is sent while it is read.
    const saving = files.save('large', source(), { overwrite: true, signal: abort.signal })
    await held.reached
    // Turns enough to read all of the source, were it not held back.
    for (let turn = 0; turn < 2000; turn++) await new Promise(setImmediate)
    expect(given).toBeLessThan(10 * MIB)
    abort.abort()
    held.go()
    await expect(saving).rejects.toMatchObject({ code: 'aborted' })
  })
  expect([await openAt(server), server.files.names()]).toEqual([[], []])
})

it('a reader that does not read holds the server back', async () => {
  server.files.put('media/large', Buffer.alloc(SIZE, 'x'))
  await withStorage(server, {}, async files => {
    server.log.clear()
    const stream = files.createReadStream('large')
    await new Promise(resolve => stream.once('readable', resolve))
    for (let turn = 0; turn < 2000; turn++) await new Promise(setImmediate)
    const asked = server.log.of('READ').reduce((sum, { length = 0 }) => sum + length, 0)
    expect(asked).toBeLessThan(10 * MIB)
    stream.destroy()
  })
  expect(await openAt(server)).toEqual([])
})
