/** FTP over TLS: both ways to begin it, certificates, empty files, and errors that come late. */
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { ImproperlyConfigured } from '../../../src/core/errors.ts'
import { patternBytes } from '../../../src/testing/driver-place.ts'
import { makeIdentity } from '../../http/support.ts'
import type { FtpFault } from '../../servers/ftp.ts'
import { Child } from '../../support/child.ts'
import { startPlace, storageFor } from './support.ts'

const identity = makeIdentity()
const stranger = makeIdentity()
const { key, cert } = identity
afterAll(() => {
  identity[Symbol.dispose]()
  stranger[Symbol.dispose]()
})

describe.each([
  ['explicit', 'TLSv1.2'],
  ['explicit', 'TLSv1.3'],
  ['implicit', 'TLSv1.2'],
  ['implicit', 'TLSv1.3'],
] as const)('%s TLS, %s', (way, versions) => {
  test('is of the control connection and of all data connections', async () => {
    const tls = {
      key,
      cert,
      versions,
      implicit: way === 'implicit',
      required: true,
      requireSessionReuse: true,
      wantsCloseNotify: true,
    }
    await using place = await startPlace({ tls }, { tls: way, verify: identity.certPath })
    const bytes = patternBytes(600_000)
    await place.files.save('folder/large', bytes)
    await place.files.save('folder/empty', '')
    await place.files.save('folder/text', 'text')
    expect((await place.files.readBytes('folder/large')).equals(bytes)).toBe(true)
    expect(await place.files.readText('folder/empty')).toBe('')
    expect((await place.files.readBytes('folder/large', { start: 599_990 })).equals(bytes.subarray(599_990))).toBe(true)
    expect(await place.files.listdir('folder')).toEqual([[], ['empty', 'large', 'text']])
    const open = ['AUTH', 'FEAT', 'OPTS']
    expect(place.server.log.filter(({ verb, isSecure }) => !isSecure && !open.includes(verb))).toEqual([])
    expect(place.server.transfers.map(({ protocol }) => protocol)).toEqual(place.server.transfers.map(() => versions))
    const uploads = place.server.transfers.filter(({ verb }) => verb === 'STOR')
    expect(uploads.map(({ bytes, wasNotified }) => [bytes, wasNotified])).toEqual([
      [600_000, true],
      [0, true],
      [4, true],
    ])
  })

  test('empty files, one after another and side by side', async () => {
    await using place = await startPlace(
      { tls: { key, cert, versions, implicit: way === 'implicit' } },
      { tls: way, verify: false },
    )
    const names = Array.from({ length: 12 }, (_, at) => `empty ${String(at).padStart(2, '0')}`)
    for (const name of names.slice(0, 4)) await place.files.save(name, Buffer.alloc(0))
    await Promise.all(names.slice(4).map(name => place.files.save(name, [])))
    expect(place.server.files()).toEqual(names)
    expect(
      place.server.log
        .flatMap(({ replies }) => replies)
        .filter(reply => /^[45]/.test(reply) && !reply.startsWith('550')),
    ).toEqual([])
    expect(place.server.commands('STOR')).toHaveLength(12)
  })
})

describe('certificates', () => {
  test.each([
    ['that nobody knows', {}],
    ['of another one', { verify: stranger.certPath }],
  ])('one %s is refused before the password is sent', async (_title, options) => {
    await using place = await startPlace({ tls: { key, cert } }, { ...options, maxAttempts: 1 })
    const error = await place.files.exists('a').catch(error => error)
    expect(error).toMatchObject({ outcome: 'not_applied', message: expect.stringMatching(/self.signed|certificate/i) })
    expect(place.server.commands('USER', 'PASS')).toEqual([])
  })

  test('one for another host is refused, and one that is known is taken', async () => {
    // The certificate is for 127.0.0.1 and localhost.
    await using place = await startPlace(
      { tls: { key, cert }, host: '::1' },
      { verify: identity.certPath, maxAttempts: 1 },
    )
    await expect(place.files.exists('a')).rejects.toThrow(/altnames|certificate/i)
    expect(place.server.commands('USER', 'PASS')).toEqual([])
    await using other = await startPlace({ tls: { key, cert } })
    const location = `ftps://anna:secret@localhost:${other.server.port}/`
    const files = storageFor(other.server, { location, verify: identity.certPath })
    await files.save('a', 'bytes')
    expect(await files.readText('a')).toBe('bytes')
    await files.close()
  })
})

describe('servers that want it otherwise', () => {
  test('one without TLS gets no password', async () => {
    await using place = await startPlace({}, { scheme: 'ftps', maxAttempts: 1 })
    await expect(place.files.exists('a')).rejects.toThrow(ImproperlyConfigured)
    expect(place.server.commands('USER', 'PASS')).toEqual([])
  })

  test('one that demands TLS is told in the words of the setting', async () => {
    await using place = await startPlace({ tls: { key, cert, required: true } }, { scheme: 'ftp', maxAttempts: 1 })
    await expect(place.files.exists('a')).rejects.toThrow(/ftps:\/\//)
    expect(place.server.commands('PASS')).toEqual([])
  })

  test('one that does not protect data connections gets no data', async () => {
    await using place = await startPlace({ tls: { key, cert }, without: ['PROT'] }, { verify: false, maxAttempts: 1 })
    await expect(place.files.save('a', 'bytes')).rejects.toThrow(ImproperlyConfigured)
    expect(place.server.commands('STOR')).toEqual([])
  })

  test('what is said in the clear before TLS is not believed', async () => {
    await using place = await startPlace({ tls: { key, cert } }, { verify: false, maxAttempts: 1 })
    // A second reply in the clear, right behind that to AUTH.
    const reply = (): string => '234 Proceed.\n230 Logged in, no password needed.'
    place.server.faults.add({ operation: 'AUTH', fault: { do: 'lie', at: 'before', reply } })
    await expect(place.files.exists('a')).rejects.toMatchObject({ code: expect.any(String) })
    expect(place.server.commands('PASS', 'MLST', 'SIZE')).toEqual([])
  })
})

describe('late errors', () => {
  const ways: readonly (readonly [string, FtpFault | undefined, RegExp])[] = [
    ['nothing goes wrong', undefined, /done/],
    ['the upload is aborted', { do: 'stall', bytes: 100_000 }, /aborted/],
    ['the data connection is reset', { do: 'cut', bytes: 100_000, reset: true }, /unavailable/],
    ['bytes come that are no TLS', { do: 'cut', bytes: 100_000, garbage: true }, /unavailable/],
    ['bytes come that are no TLS, before any of the file', { do: 'cut', bytes: 0, garbage: true }, /unavailable/],
    ['both connections break', { do: 'drop', bytes: 100_000 }, /unavailable/],
    ['the last reply is lost', { do: 'drop', at: 'after' }, /done/],
    [
      'the control connection is reset by a refusal',
      { do: 'refuse', status: 550, reset: 'after' },
      /permission_denied|unavailable/,
    ],
  ]

  test('never end the process, and connections that rest do not keep it', async () => {
    for (const versions of ['TLSv1.3', 'TLSv1.2'] as const) {
      await using place = await startPlace({ tls: { key, cert, versions, wantsCloseNotify: true } })
      place.server.put('kept', 'bytes')
      await using child = new Child(process.execPath, [
        '--unhandled-rejections=strict',
        fileURLToPath(new URL('./late-errors.child.ts', import.meta.url)),
        place.server.url(),
      ])
      for (const [round, [title, fault, expected]] of ways.entries()) {
        const onStall = (): void => void child.process.stdin.write('abort\n')
        // The server goes on when the call has been aborted.
        const planned = fault?.do === 'stall' ? { ...fault, onStall, until: child.printed(/aborted\n/) } : fault
        if (planned !== undefined) place.server.faults.add({ operation: 'STOR', fault: planned })
        child.process.stdin.write(`round ${round}\n`)
        const [, outcome, next] = await child.printed(new RegExp(`round ${round}: (\\S+), (\\S+)\n`))
        expect(outcome, title).toMatch(expected)
        expect(next, title).toBe('done')
        // And connections that rest break, too.
        if (round % 2 === 0) place.server.disconnect()
        else place.server.sayGoodbye('421 Idle for too long.')
      }
      child.process.stdin.write('end\n')
      expect((await child.done()).stderr).toBe('')
    }
  })
})
