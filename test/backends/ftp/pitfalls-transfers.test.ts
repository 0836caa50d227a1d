/** Pitfalls of FTP: when a transfer is complete, and what is left of one that is not. */
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { patternBytes } from '../../../src/testing/driver-place.ts'
import { makeIdentity } from '../../http/support.ts'
import type { FtpFault } from '../../servers/ftp.ts'
import { startPlace } from './support.ts'

const identity = makeIdentity()
const { key, cert } = identity
afterAll(() => identity[Symbol.dispose]())

// Tries follow one another at once.
beforeAll(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterAll(() => void vi.restoreAllMocks())

const large = patternBytes(1_000_000)
const ALWAYS = Number.POSITIVE_INFINITY

describe('ftp-4: an upload is reported as what it is', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'over %s its data connection is ended by close_notify before TCP closes',
    async versions => {
      await using place = await startPlace({ tls: { key, cert, versions, wantsCloseNotify: true } }, { verify: false })
      for (const bytes of [large, Buffer.from('small'), Buffer.alloc(0)]) {
        await place.files.save('a', bytes, { overwrite: true })
        expect(place.server.read('a')?.equals(bytes)).toBe(true)
      }
      const uploads = place.server.transfers.filter(({ verb }) => verb === 'STOR')
      expect(uploads.map(({ wasNotified, bytes }) => [wasNotified, bytes])).toEqual([
        [true, 1_000_000],
        [true, 5],
        [true, 0],
      ])
    },
  )

  const lastReplies: readonly (readonly [string, FtpFault])[] = [
    ['425', { do: 'refuse', at: 'after', status: 425 }],
    ['426', { do: 'refuse', at: 'after', status: 426 }],
    ['450', { do: 'refuse', at: 'after', status: 450 }],
    ['the end of the connection', { do: 'drop', at: 'after' }],
    ['421 and the end of the connection', { do: 'refuse', at: 'after', status: 421, reset: 'after' }],
  ]

  test.each(lastReplies)('a whole file is saved though the last reply is %s', async (_title, fault) => {
    await using place = await startPlace()
    place.server.faults.add({ operation: 'STOR', fault })
    await place.files.save('a', large)
    expect(place.server.read('a')?.equals(large)).toBe(true)
    expect(place.server.files()).toEqual(['a'])
    expect(place.server.commands('STOR')).toHaveLength(1)
    expect(place.server.commands('SIZE').length).toBeGreaterThan(0)
  })

  test('and though it never comes', async () => {
    await using place = await startPlace({}, { timeoutSecs: 1, maxAttempts: 1 })
    place.server.faults.add({ operation: 'STOR', fault: { do: 'hold', at: 'after' } })
    await place.files.save('a', large)
    expect(place.server.read('a')?.equals(large)).toBe(true)
    expect(place.server.files()).toEqual(['a'])
  })

  const shortOnes: readonly (readonly [string, FtpFault])[] = [
    ['226', { do: 'lie', data: bytes => bytes.subarray(0, 900_000) }],
    ['226, of no byte at all', { do: 'lie', data: () => Buffer.alloc(0) }],
    ['226, and the connection ended early', { do: 'cut', bytes: 100_000, reply: '226 Transfer complete.' }],
    ['426', { do: 'cut', bytes: 100_000 }],
    ['451', { do: 'cut', bytes: 100_000, reply: '451 Local error.', reset: true }],
    ['452', { do: 'cut', bytes: 100_000, reply: '452 Insufficient storage space.' }],
    ['nothing', { do: 'drop', bytes: 100_000 }],
  ]

  test.each(shortOnes)('a short file is never saved, told %s', async (_title, fault) => {
    await using place = await startPlace({}, { maxAttempts: 1 })
    place.server.put('a', 'old')
    place.server.faults.add({ operation: 'STOR', fault })
    const saved = place.files.save('a', [large], { overwrite: true })
    const code = 'reply' in fault && String(fault.reply).startsWith('452') ? 'no_space' : 'unavailable'
    await expect(saved).rejects.toMatchObject({ code, outcome: 'not_applied' })
    expect(place.server.read('a')?.toString()).toBe('old')
    // The next call works, and with it all of the last one is gone.
    await place.files.save('b', 'next')
    expect(place.server.files()).toEqual(['a', 'b'])
  })

  test.each(['426', '450'])('a short file with %s is tried again, and whole then', async status => {
    await using place = await startPlace({}, { maxAttempts: 2 })
    const reply = `${status} Connection closed.`
    place.server.faults.add({ operation: 'STOR', fault: { do: 'cut', bytes: 5, reply } })
    await place.files.save('a', large)
    expect(place.server.read('a')?.equals(large)).toBe(true)
    expect(place.server.files()).toEqual(['a'])
  })
})

describe('ftp-5: a download is complete only with the end of its connection, a 2xx and all bytes', () => {
  test.each(['after the end', 'before the end', 'before the data'] as const)('226 comes %s', async completion => {
    await using place = await startPlace({ completion }, { poolSize: 1 })
    place.server.put('a', large)
    expect((await place.files.readBytes('a')).equals(large)).toBe(true)
    expect(await place.files.size('a')).toBe(1_000_000)
    expect(place.server.opened).toBe(1)
  })

  const huge = patternBytes(3_000_000)
  const broken: readonly (readonly [string, FtpFault])[] = [
    ['an orderly end and 226', { do: 'cut', bytes: 2_000_000, reply: '226 Transfer complete.' }],
    ['an orderly end and 426', { do: 'cut', bytes: 2_000_000 }],
    ['a reset and 226', { do: 'cut', bytes: 2_000_000, reset: true, reply: '226 Transfer complete.' }],
    ['a reset and 451', { do: 'cut', bytes: 2_000_000, reset: true, reply: '451 Local error.' }],
    ['the loss of both connections', { do: 'drop', bytes: 2_000_000 }],
  ]

  test.each(broken)('one that stops in its middle by %s is resumed by REST', async (_title, fault) => {
    await using place = await startPlace()
    place.server.put('a', huge)
    place.server.faults.add({ operation: 'RETR', fault })
    expect((await buffer(place.files.createReadStream('a'))).equals(huge)).toBe(true)
    expect(place.server.commands('RETR')).toHaveLength(2)
    expect(place.server.commands('REST')).toEqual([expect.stringMatching(/^REST [1-9]\d*$/)])
  })

  test('and is an error where the file has become another one meanwhile', async () => {
    await using place = await startPlace({}, { maxAttempts: 1 })
    place.server.put('a', huge, new Date('2026-01-01'))
    const stalled = Promise.withResolvers<void>()
    place.server.faults.add({ operation: 'RETR', fault: { do: 'stall', bytes: 2_000_000, onStall: stalled.resolve } })
    const bytes = buffer(place.files.createReadStream('a'))
    bytes.catch(() => {})
    await stalled.promise
    place.server.put('a', patternBytes(3_000_000, 9), new Date('2026-01-02'))
    place.server.disconnect()
    await expect(bytes).rejects.toMatchObject({ code: 'precondition_failed' })
  })

  test('all bytes are there, and still it is an error when the reply says no, and goes on when only the connection broke after it', async () => {
    await using place = await startPlace({}, { maxAttempts: 1 })
    place.server.put('a', 'bytes')
    place.server.faults.add({ operation: 'RETR', times: ALWAYS, fault: { do: 'refuse', at: 'after', status: 451 } })
    await expect(place.files.readText('a')).rejects.toMatchObject({ code: 'unavailable' })
    place.server.faults.clear()
    place.server.faults.add({ operation: 'RETR', fault: { do: 'close' } })
    expect(await place.files.readText('a')).toBe('bytes')
    expect(await place.files.readText('a')).toBe('bytes')
  })

  test.each([
    ['too few', '213 999999'],
    ['too many', '213 1000001'],
  ])('SIZE that is not true is told and no bytes pass for the file: %s', async (_title, reply) => {
    await using place = await startPlace({ without: ['MLST', 'MLSD'] }, { maxAttempts: 1 })
    place.server.put('a', large)
    place.server.faults.add({ operation: 'SIZE', times: ALWAYS, fault: { do: 'lie', at: 'after', reply: () => reply } })
    await expect(place.files.readBytes('a')).rejects.toMatchObject({
      code: expect.stringMatching(/unavailable|unknown/),
    })
  })
})

describe('ftp-6: bytes go as they are', () => {
  test('TYPE I is sent on each connection before anything that depends on it', async () => {
    await using place = await startPlace({ asciiSize: 'refused' })
    const text = 'unix\nmac\rdos\r\nend\n\r\n'
    const names = Array.from({ length: 8 }, (_, at) => `file ${at}`)
    await Promise.all(names.map(name => place.files.save(name, text)))
    expect(await place.files.listdir('')).toEqual([[], names])
    expect(await Promise.all(names.map(name => place.files.readText(name)))).toEqual(names.map(() => text))
    expect(await place.files.exists('file 1')).toBe(true)
    expect(await place.files.size('file 1')).toBe(text.length)
    expect(place.server.opened).toBeGreaterThan(1)
    const typed = place.server.log.filter(({ verb }) => ['SIZE', 'STOR', 'RETR', 'APPE', 'MLST'].includes(verb))
    expect(new Set(typed.map(({ type }) => type))).toEqual(new Set(['I']))
    for (let id = 1; id <= place.server.opened; id++) {
      expect(place.server.log.filter(({ connection, verb }) => connection === id && verb === 'TYPE')).toHaveLength(1)
    }
  })

  test('a 550 to SIZE in ASCII mode never reads as missing', async () => {
    await using place = await startPlace({ without: ['MLST', 'MLSD'] })
    place.server.put('a', 'bytes')
    const fault = { do: 'refuse', status: 550, body: 'SIZE not allowed in ASCII mode.' } as const
    place.server.faults.add({ operation: 'SIZE', times: ALWAYS, fault })
    // Either the size is found elsewhere, or the call fails: it never says no.
    expect(await place.files.exists('a').catch(error => error.code)).toSatisfy(
      answer => answer === true || answer === 'permission_denied',
    )
    const name = await place.files.save('a', 'other', { overwrite: false }).catch(error => error.code)
    expect(name).not.toBe('a')
    expect(place.server.read('a')?.toString()).toBe('bytes')
    expect(place.server.files().filter(file => file.includes('.holdall'))).toEqual([])
  })
})

describe('ftp-16: the next call never gets a reply of the last one', () => {
  test.each(['after the end', 'before the data'] as const)(
    'after a reader that stopped early, with 226 %s',
    async completion => {
      await using place = await startPlace({ completion }, { poolSize: 1 })
      place.server.put('large', patternBytes(9_000_000))
      place.server.put('small', 'small')
      for (let round = 0; round < 3; round++) {
        const stream = place.files.createReadStream('large')
        await once(stream, 'data')
        stream.destroy()
        expect(await place.files.readText('small')).toBe('small')
        expect(await place.files.size('small')).toBe(5)
      }
      const file = await place.files.open('large', 'rb')
      expect(await file.read(3)).toHaveLength(3)
      await file.seek(8_000_000)
      expect((await file.read(3)).equals(patternBytes(9_000_000).subarray(8_000_000, 8_000_003))).toBe(true)
      await file.close()
      expect(await place.files.exists('none')).toBe(false)
    },
  )

  test.each([
    ['two replies', '426 Failure writing network stream.\n226 Abort successful.'],
    ['a second 150 and no more, as Pure-FTPd does', '150 Opening it again.'],
    ['three replies', '426 Failure writing network stream.\n225 ABOR command successful.\n226 Closing.'],
  ])('after a server that says %s to it', async (_title, reply) => {
    await using place = await startPlace({}, { poolSize: 1 })
    place.server.put('large', patternBytes(9_000_000))
    place.server.put('small', 'small')
    const stream = place.files.createReadStream('large')
    place.server.faults.add({ operation: 'RETR', fault: { do: 'lie', at: 'after', reply: () => reply } })
    await once(stream, 'data')
    stream.destroy()
    expect(await place.files.size('small')).toBe(5)
    expect(await place.files.readText('small')).toBe('small')
    expect(place.server.opened).toBe(1)
  })

  test('after a server that says nothing to it: its connection is given up', async () => {
    await using place = await startPlace({}, { poolSize: 1 })
    place.server.put('large', patternBytes(9_000_000))
    place.server.put('small', 'small')
    const stream = place.files.createReadStream('large')
    const held = Promise.withResolvers<void>()
    place.server.faults.add({ operation: 'RETR', fault: { do: 'hold', at: 'after', onHold: held.resolve } })
    await once(stream, 'data')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      stream.destroy()
      await held.promise
      const size = place.files.size('small')
      await vi.advanceTimersByTimeAsync(10_000)
      vi.useRealTimers()
      expect(await size).toBe(5)
      expect(place.server.opened).toBe(2)
    } finally {
      vi.useRealTimers()
    }
  })

  test.each(['closed', 'reset', 'left open'] as const)(
    'after a refused transfer whose data connection is %s',
    async refusedData => {
      await using place = await startPlace({ refusedData }, { poolSize: 1, maxAttempts: 1 })
      place.server.put('a', 'bytes')
      const fault = { do: 'refuse', status: 550, body: 'Permission denied.' } as const
      place.server.faults.add({ operation: 'RETR', fault })
      place.server.faults.add({ operation: 'STOR', times: ALWAYS, fault })
      await expect(place.files.readText('a')).rejects.toMatchObject({ code: 'permission_denied' })
      expect(await place.files.readText('a')).toBe('bytes')
      await expect(place.files.save('b', 'x')).rejects.toMatchObject({ code: 'permission_denied' })
      expect(place.server.files()).toEqual(['a'])
      place.server.faults.clear()
      await place.files.save('b', 'x')
      expect(await place.files.listdir('')).toEqual([[], ['a', 'b']])
    },
  )

  test('after a reader that stopped early before many parallel calls', async () => {
    await using place = await startPlace({}, { poolSize: 2 })
    place.server.put('large', patternBytes(5_000_000))
    const names = Array.from({ length: 8 }, (_, at) => `file ${at}`)
    for (const name of names) place.server.put(name, name)
    const streams = [place.files.createReadStream('large'), place.files.createReadStream('large')]
    await Promise.all(streams.map(stream => once(stream, 'data')))
    const texts = Promise.all(names.map(name => place.files.readText(name)))
    for (const stream of streams) stream.destroy()
    expect(await texts).toEqual(names)
  })
})
