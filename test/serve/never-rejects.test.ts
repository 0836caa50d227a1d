import { PassThrough, Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { StorageError } from '../../src/core/errors.ts'
import {
  createFileHandler,
  type FileHandlerOptions,
  type ServedStorage,
  type UrlVerifier,
} from '../../src/serve/index.ts'

type Served = ServedStorage & UrlVerifier

const good: Served = {
  urlsAreSigned: true,
  verifyUrl: () => ({ parameters: {} }),
  stat: async name => ({ name, isDirectory: false, size: 5, contentType: 'text/plain' }),
  createReadStream: () => Readable.from([Buffer.from('hello')], { objectMode: false }),
  save: async name => String(name),
  decoder: () => undefined,
}

function fail(): never {
  throw new Error('boom')
}

const broken = new Readable({ read: () => undefined })
broken.on('error', () => {}).destroy(new Error('broken before'))
const closed = new Readable({ read: () => undefined })
closed.destroy()

/** Ways in which a storage may fail, and the answers to a GET. */
const FAULTS: ReadonlyArray<readonly [title: string, fault: Partial<Record<keyof Served, unknown>>, status: number]> = [
  ['stat throws', { stat: fail }, 500],
  ['stat rejects', { stat: async () => fail() }, 500],
  ['stat rejects without an error', { stat: () => Promise.reject() }, 500],
  ['stat gives nothing', { stat: async () => undefined }, 500],
  ['stat is missing', { stat: undefined }, 500],
  [
    'stat is slowed down',
    { stat: () => Promise.reject(new StorageError('throttled', 'x', { retryAfterMs: NaN })) },
    503,
  ],
  ['createReadStream throws', { createReadStream: fail }, 500],
  ['createReadStream gives nothing', { createReadStream: () => undefined }, 500],
  ['the stream fails at once', { createReadStream: () => new Readable({ read: fail }) }, 500],
  ['the stream has failed before', { createReadStream: () => broken }, 500],
  ['the stream was closed before', { createReadStream: () => closed }, 500],
  ['decoder throws', { decoder: fail }, 500],
  ['verifyUrl throws', { verifyUrl: fail }, 500],
  ['verifyUrl gives nothing', { verifyUrl: () => undefined }, 403],
  ['verifyUrl rejects', { verifyUrl: async () => fail() }, 500],
  ['verifyUrl gives no parameters', { verifyUrl: () => ({}) }, 500],
]

const LOGGERS: ReadonlyArray<readonly [title: string, onError: FileHandlerOptions['onError']]> = [
  ['no logger', undefined],
  ['a logger', () => {}],
  ['a logger that throws', fail],
  ['a logger that rejects', async () => fail()],
  ['a logger that never ends', () => new Promise(() => {})],
]

test.each(FAULTS.flatMap(fault => LOGGERS.map(logger => [...fault, ...logger] as const)))(
  '%s, with %s: %s',
  async (_title, fault, status, _logger, onError) => {
    const answer = await createFileHandler({ ...good, ...fault } as Served, { onError })(new Request('http://h/f'))
    expect(answer.status).toBe(status)
    await answer.text()
  },
)

test.each(LOGGERS)('an upload that fails is answered, with %s', async (_title, onError) => {
  for (const save of [fail, async () => fail()]) {
    const handler = createFileHandler({ ...good, save }, { onError })
    const put = () => handler(new Request('http://h/f', { method: 'PUT', body: 'x' }))
    expect((await put()).status).toBe(500)
  }
})

test('a body that fails while no one reads it ends no process', async () => {
  const source = new PassThrough()
  source.write('hel')
  const answer = await createFileHandler({ ...good, createReadStream: () => source })(new Request('http://h/f'))
  const gone = new Promise(resolve => source.once('close', resolve))
  source.destroy(new Error('broken midway'))
  await gone
  await new Promise(resolve => setImmediate(resolve))
  await expect(answer.text()).rejects.toThrow()
})

test.each(['error', 'close', 'end'] as const)('a body that is cut short by %s is no whole answer', async how => {
  const source = new PassThrough()
  source.write('hel')
  const answer = await createFileHandler({ ...good, createReadStream: () => source })(new Request('http://h/f'))
  if (how === 'end') source.end()
  else source.destroy(how === 'error' ? new Error('broken midway') : undefined)
  expect([answer.status, answer.headers.get('content-length')]).toEqual([200, '5'])
  await expect(answer.text()).rejects.toThrow()
})

test('an abort at any step is an answer, and closes the stream', async () => {
  const steps = ['before', 'verifyUrl', 'stat', 'decoder', 'createReadStream', 'read', 'onError'] as const
  for (const step of steps) {
    const gone = new AbortController()
    const at = <T>(now: string, then: T): T => {
      if (now === step) gone.abort()
      return then
    }
    const streams: Readable[] = []
    const storage: Served = {
      ...good,
      verifyUrl: () => at('verifyUrl', { parameters: {} }),
      stat: async name => at('stat', good.stat(name)),
      decoder: () => at('decoder', undefined),
      createReadStream() {
        at('createReadStream', undefined)
        const stream = new Readable({
          read() {
            at('read', undefined)
            if (step === 'onError') this.destroy(new Error('broken'))
            else setImmediate(() => this.push(Buffer.from('hello')) && this.push(null))
          },
        })
        streams.push(stream)
        return stream
      },
    }
    at('before', undefined)
    const onError = () => at('onError', undefined)
    const answer = await createFileHandler(storage, { onError })(new Request('http://h/f', { signal: gone.signal }))
    expect([step, answer.status]).toEqual([step, 500])
    for (const stream of streams) expect([step, stream.destroyed]).toEqual([step, true])
  }
})
