/** Connections of the storage: as few as are needed, kept while they are good, replaced when they are not. */
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { FtpStorage } from '../../../src/backends/ftp/index.ts'
import { startDeafPort } from '../../servers/deaf-port.ts'
import { runNode } from '../../support/child.ts'
import { startPlace } from './support.ts'

afterEach(() => void vi.useRealTimers())

/** Lets time pass for the storage, and turns for the sockets. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
}

describe('a connection', () => {
  test('is opened by the first call, and serves the next ones', async () => {
    await using place = await startPlace()
    place.files.supports('ranges')
    expect(place.server.opened).toBe(0)
    await place.files.save('a', 'bytes')
    await place.files.readText('a')
    await place.files.listdir('')
    await place.files.delete('a')
    expect(place.server.opened).toBe(1)
    expect(place.server.commands('USER', 'FEAT', 'TYPE')).toHaveLength(3)
  })

  test('is closed when it has rested for idleSecs, and another one is opened then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    await using place = await startPlace({}, { idleSecs: 30, timeoutSecs: null })
    await place.files.exists('a')
    await pass(29_000)
    expect(place.server.connections).toBe(1)
    await place.files.exists('a')
    await pass(29_000)
    expect(place.server.opened).toBe(1)
    await pass(2_000)
    await place.server.unused()
    await place.files.exists('a')
    expect(place.server.opened).toBe(2)
  })

  test.each([
    ['without a word', 'disconnect', undefined],
    ['with 421', 'sayGoodbye', '421 No transfer timeout (300 seconds): closing control connection.'],
    ['with 221', 'sayGoodbye', '221 Goodbye.'],
  ] as const)(
    'that the server has ended %s while it rested is replaced, and no call notices',
    async (_title, how, reply) => {
      await using place = await startPlace({}, { maxAttempts: 1, poolSize: 1 })
      place.server.put('a', 'bytes')
      const calls = [
        () => place.files.readText('a'),
        () => place.files.save('b', 'x', { overwrite: true }),
        () => place.files.listdir(''),
        () => place.files.exists('none'),
        () => place.files.move('b', 'c', { overwrite: true }),
        () => place.files.delete('c'),
      ]
      for (const [at, call] of calls.entries()) {
        if (how === 'disconnect') place.server.disconnect()
        else place.server.sayGoodbye(reply)
        await expect(call(), `call ${at}`).resolves.not.toThrow()
      }
      expect(place.server.files()).toEqual(['a'])
      expect(place.server.opened).toBe(calls.length)
    },
  )

  test('that says something that nobody asked for never has it taken for an answer', async () => {
    await using place = await startPlace({}, { maxAttempts: 1, poolSize: 1 })
    place.server.put('a', 'bytes')
    expect(await place.files.exists('a')).toBe(true)
    for (const session of place.server.sessions) session.control.reply('550 No such file or directory.\n213 99')
    for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
    expect(await place.files.exists('a')).toBe(true)
    expect(await place.files.size('a')).toBe(5)
    expect(await place.files.readText('a')).toBe('bytes')
  })

  test('that rests does not keep the process', async () => {
    await using place = await startPlace()
    place.server.put('a', 'bytes')
    const program = fileURLToPath(new URL('./resting.child.ts', import.meta.url))
    const { stdout } = await runNode([program, place.server.url()])
    expect(stdout).toBe('bytes\n')
  })
})

describe('the pool', () => {
  test('has no more connections than poolSize, opens only as many as are needed, and lets calls wait', async () => {
    await using place = await startPlace({ latencyMs: 1 }, { poolSize: 3 })
    await Promise.all(Array.from({ length: 2 }, (_, at) => place.files.save(`file ${at}`, 'x')))
    expect(place.server.opened).toBe(2)
    await Promise.all(Array.from({ length: 20 }, (_, at) => place.files.exists(`file ${at}`)))
    expect(place.server.opened).toBe(3)
    expect(place.server.connections).toBe(3)
  })

  test('closes all with the storage, which can be used again', async () => {
    await using place = await startPlace()
    await Promise.all(Array.from({ length: 4 }, (_, at) => place.files.save(`file ${at}`, 'x')))
    await place.files.close()
    await place.server.unused()
    await expect(place.files.exists('file 1').catch(error => error.code)).resolves.toSatisfy(
      answer => answer === true || answer === 'closed',
    )
  })

  test('of one serves nested work of one call, and two open files in it are an error and no standstill', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    await using place = await startPlace({}, { poolSize: 1, timeoutSecs: null, maxAttempts: 1 })
    place.server.put('a', Buffer.alloc(3_000_000, 1))
    const reader = place.files.createReadStream('a')
    await new Promise(resolve => reader.once('readable', resolve))
    const second = place.files.readText('b').catch(error => error)
    await pass(61_000)
    expect(await second).toMatchObject({ code: 'timeout', message: expect.stringMatching(/poolSize/) })
    reader.destroy()
    vi.useRealTimers()
    expect(await place.files.exists('a')).toBe(true)
  })

  test('gives a file that is copied within it one connection at a time', async () => {
    await using place = await startPlace({ maxConnections: 1 }, { poolSize: 1 })
    place.server.put('a', Buffer.alloc(900_000, 1))
    await place.files.copy('a', 'b')
    await place.files.edit('a', 'a', file => file.write('more'))
    expect(place.server.read('b')?.length).toBe(900_000)
    expect(place.server.read('a')?.length).toBe(900_004)
  })
})

describe('a login', () => {
  test('that is refused slowly is waited for, and is an error of the login', async () => {
    await using place = await startPlace({ password: 'other' }, { connectTimeoutSecs: 2, maxAttempts: 1 })
    const location = `ftp://anna:secret@127.0.0.1:${place.server.port}/`
    const files = new FtpStorage({ location, connectTimeoutSecs: 2, maxAttempts: 1 }, { settings: {}, env: {} })
    const held = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const fault = { do: 'hold', onHold: held.resolve, until: release.promise } as const
    place.server.faults.add({ operation: 'PASS', fault })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const refused = files.exists('a').catch(error => error)
    await held.promise
    await pass(20_000)
    release.resolve()
    vi.useRealTimers()
    expect(await refused).toMatchObject({ code: 'permission_denied', status: 530 })
    await files.close()
  })

  test('that never ends is given up by the time-out of the call', async () => {
    await using place = await startPlace({}, { timeoutSecs: 5, maxAttempts: 1 })
    const held = Promise.withResolvers<void>()
    place.server.faults.add({ operation: 'PASS', fault: { do: 'hold', onHold: held.resolve } })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const refused = place.files.exists('a').catch(error => error)
    await held.promise
    await pass(6_000)
    vi.useRealTimers()
    expect(await refused).toMatchObject({ code: 'timeout' })
    expect(await place.files.exists('a')).toBe(false)
  })

  test('is not remembered when it failed', async () => {
    await using place = await startPlace({}, { maxAttempts: 1 })
    place.server.faults.add({ operation: 'PASS', fault: { do: 'refuse', status: 530, body: 'Login incorrect.' } })
    await expect(place.files.exists('a')).rejects.toMatchObject({ code: 'permission_denied' })
    expect(await place.files.exists('a')).toBe(false)
  })

  test('to a host that does not answer at all is given up in connectTimeoutSecs', async () => {
    await using deaf = await startDeafPort()
    const location = `ftp://anna:secret@127.0.0.1:${deaf.port}/`
    const files = new FtpStorage({ location, connectTimeoutSecs: 20, maxAttempts: 1 }, { settings: {}, env: {} })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    let error: unknown
    files.exists('a').catch(reason => (error = reason))
    for (let second = 0; second < 60 && error === undefined; second++) await pass(1_000)
    vi.useRealTimers()
    expect(error).toMatchObject({ code: 'timeout', outcome: 'not_applied' })
    await files.close()
  })
})
