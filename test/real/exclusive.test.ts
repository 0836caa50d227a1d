import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { startRgw } from '../servers/rgw.ts'
import { markedBytes } from './marked-bytes.ts'
import { emptyAndClose, keysOf, rgwOptions, rgwStorage } from './places/rgw.ts'

const server = await startRgw()
afterAll(() => server.close(), 60_000)
afterEach(() => emptyAndClose(rgwStorage(server)))

const PROCESSES = 2
const SAVES = 25
const MIB = 1024 * 1024
/** So that a file of more than 5 MiB goes in parts. */
const SMALL_PARTS = { multipartThreshold: 5 * MIB, partSize: 5 * MIB }

/** What a process saved, and under which name. */
interface Saved {
  readonly mark: string
  readonly name: string
}

/** A process that is ready to save: `go` lets it, and gives what it saved once it has ended well. */
async function readySaver(who: number, size: number): Promise<{ go(): Promise<Saved[]> }> {
  const env = { ...process.env, SAVER_OPTIONS: JSON.stringify({ ...rgwOptions(server), ...SMALL_PARTS }) }
  const args = [join(import.meta.dirname, 'saver.child.ts'), String(who), String(SAVES), String(size)]
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  await Promise.race([once(child.stdout, 'data'), closed])
  async function go(): Promise<Saved[]> {
    child.stdin.end('go\n')
    expect(await closed).toEqual([0, null])
    const [ready, ...lines] = printed.trimEnd().split('\n')
    expect(ready).toBe('ready')
    return lines.map(line => JSON.parse(line) as Saved)
  }
  return { go }
}

test.each([
  ['in one request', 5000],
  ['in parts', 5 * MIB + 5000],
])('two processes that save one name 25 times each at once, %s, leave fifty right files', async (_title, size) => {
  await using files = rgwStorage(server)
  await files.createContainer()
  const savers = await Promise.all(Array.from({ length: PROCESSES }, (_, who) => readySaver(who, size)))
  const saved = (await Promise.all(savers.map(saver => saver.go()))).flat()
  expect(new Set(saved.map(({ mark }) => mark)).size).toBe(PROCESSES * SAVES)
  const names = saved.map(({ name }) => name).sort()
  expect(await keysOf(files)).toEqual(names)
  const renamed = names.filter(name => /^folder\/same_[A-Za-z0-9]{7}\.bin$/.test(name))
  expect([names.filter(name => name === 'folder/same.bin').length, renamed.length]).toEqual([1, 49])
  for (const { mark, name } of saved) {
    await using file = await files.open(name)
    expect(markedBytes(mark, size).equals(await file.read())).toBe(true)
  }
})
