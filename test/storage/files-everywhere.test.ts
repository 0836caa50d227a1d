import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { OpenMode } from '../../src/files/modes.ts'
import type { StorageFile } from '../../src/files/storage-file.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { all } from '../files/helpers.ts'
import { isFull } from '../support/sampled.ts'
import { FileModel } from './file-model.ts'
import { Kinds, type Options } from './kinds.ts'

const kinds = await Kinds.start()
afterAll(() => kinds.end())

const MODES: OpenMode[] = ['r', 'w', 'a', 'x'].flatMap(base =>
  ['', 'b', '+', 'b+', '+b'].map(more => base + more),
) as never

type Step =
  | ['read', number | undefined]
  | ['readLine']
  | ['seek', number, 0 | 1 | 2]
  | ['seek to a place that was told', number]
  | ['write', string]
  | ['truncate', number | undefined]
  | ['size']

const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r', '\r\n', 'é', '€', '😀', '\0'), maxLength: 12 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant('read' as const), fc.option(fc.nat(6), { nil: undefined })),
  fc.tuple(fc.constant('readLine' as const)),
  fc.tuple(fc.constant('seek' as const), fc.integer({ min: -8, max: 40 }), fc.constantFrom(0, 1, 2)),
  fc.tuple(fc.constant('seek to a place that was told' as const), fc.nat(9)),
  fc.tuple(fc.constant('write' as const), text),
  fc.tuple(fc.constant('truncate' as const), fc.option(fc.nat(30), { nil: undefined })),
  fc.tuple(fc.constant('size' as const)),
)

/** The code of what was thrown, or what was given. */
async function outcome(work: () => unknown): Promise<unknown> {
  try {
    const value = await work()
    return Buffer.isBuffer(value) ? value.toString('hex') : value
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message
  }
}

/** A text file is only sought and cut at places where a character begins, and nothing is written over a part of one. */
function inText(mode: OpenMode, [kind]: Step): boolean {
  return mode.includes('b') || (kind !== 'seek' && kind !== 'truncate')
}

/** Characters of one byte each where some are written over others in a text file. */
function written(mode: OpenMode, value: string): string {
  return mode.includes('b') || !mode.includes('+') ? value : value.replace(/[^\0-\x7f]/gu, '?')
}

async function perform(file: StorageFile<OpenMode>, model: FileModel, one: Step, told: number[]): Promise<void> {
  const both = async (real: () => unknown, meant: () => unknown) => {
    const wanted = await outcome(meant)
    expect(await outcome(real), `${one}`).toEqual(wanted)
    expect(file.tell(), `${one}: tell`).toBe(model.position)
  }
  const place = one[0] === 'seek to a place that was told' ? told[one[1] % told.length]! : 0
  switch (one[0]) {
    case 'read':
      return both(
        () => file.read(one[1]),
        () => model.read(one[1]),
      )
    case 'readLine':
      return both(
        () => file.readLine(),
        () => model.readLine(),
      )
    case 'seek':
      return both(
        () => file.seek(one[1], one[2]),
        () => model.seek(one[1], one[2]),
      )
    case 'write':
      return both(
        () => file.write(one[1]),
        () => model.write(one[1]),
      )
    case 'truncate':
      return both(
        () => file.truncate(one[1]),
        () => model.truncate(one[1]),
      )
    case 'size':
      return both(
        () => file.size(),
        () => model.bytes.length,
      )
    default:
      return both(
        () => file.seek(place),
        () => model.seek(place, 0),
      )
  }
}

/** Bytes leave while they are written, so that they can neither be read nor changed: it goes on only from where it is. */
function isStreamed(storage: Storage, mode: OpenMode): boolean {
  return storage.calls.driver.openHandle === undefined && /^[wx]b?$/.test(mode)
}

function isStreamable(model: FileModel, [kind, value]: Step): boolean {
  if (kind === 'write') return model.position === model.bytes.length
  if (kind === 'truncate') return (value ?? model.position) === model.bytes.length
  return true
}

const places: Array<[string, (options?: Options) => Storage, runs: number]> = [
  ['MemoryStorage', options => kinds.memory(options), 60],
  ['MemoryStorage whose spools go to disk', options => kinds.memory({ maxMemorySize: 5, ...options }), 30],
  ['LocalStorage', options => kinds.local(options), 40],
  ['LocalStorage with metadata', options => kinds.local({ keepMetadata: true, ...options }), 15],
  ['S3Storage', options => kinds.s3(options), 10],
  ['S3Storage that compresses', options => kinds.s3({ gzip: true, gzipContentTypes: ['text/plain'], ...options }), 6],
]

describe.each(places)('a file of %s', (_, make, runs) => {
  const storage = make()
  let count = 0

  it.each(MODES)('in mode %s does what a file in memory would', async mode => {
    const old = fc.option(text, { nil: undefined })
    await fc.assert(
      fc.asyncProperty(old, fc.array(step, { maxLength: 12 }), fc.boolean(), async (stored, steps, isKept) => {
        const before = stored === undefined ? undefined : written(mode, stored)
        const name = `${mode.replace('+', 'p')}/${++count}.txt`
        if (before !== undefined) await storage.save(name, before)
        const missing = mode.startsWith('r') && before === undefined ? 'not_found' : undefined
        const refusal = mode.startsWith('x') && before !== undefined ? 'exists' : missing
        if (refusal !== undefined) {
          expect(await outcome(() => storage.open(name, mode))).toBe(refusal)
          return
        }
        const file = await storage.open(name, mode)
        const model = new FileModel(mode, before === undefined ? undefined : Buffer.from(before))
        const told = [0]
        for (const one of steps.filter(each => inText(mode, each))) {
          if (isStreamed(storage, mode) && !isStreamable(model, one)) continue
          await perform(file, model, one[0] === 'write' ? ['write', written(mode, one[1])] : one, told)
          told.push(model.position)
        }
        if (isKept) await file.close()
        else await file.discard()
        expect(file.closed).toBe(true)
        const meant = isKept && model.isDirty ? model.bytes.toString() : before
        expect(await contentOf(storage, name)).toBe(meant)
      }),
      { numRuns: isFull ? runs : Math.ceil(runs / 2) },
    )
  })

  it('is iterated by lines whose ends lie on the borders of blocks', async () => {
    for (const shift of [0, 1, 2]) {
      const ends = ['\r\n', '\r', '\n']
      const lines = Array.from({ length: 9 }, (__, at) => `${'x'.repeat(32_766 - shift)}${ends[at % 3]}`)
      const name = await storage.save(`lines-${shift}.txt`, lines.join(''))
      await using bytes = await storage.open(name)
      expect((await all(bytes.chunks(65_536))).map(chunk => chunk.length).slice(0, -1)).toEqual(Array(4).fill(65_536))
      expect((await bytes.readLine()).length).toBe(0)
      expect((await all(bytes)).map(String)).toEqual(lines)
      await using characters = await storage.open(name, 'r')
      expect(await all(characters)).toEqual(lines.map(line => `${line.trimEnd()}\n`))
      expect([bytes.closed, characters.closed]).toEqual([true, true])
    }
  })

  it('begins anew with chunks and is counted in code points as text', async () => {
    const name = await storage.save('manual.txt', 'content😀é')
    await using file = await storage.open(name, 'r')
    expect([await file.read(3), await file.read()]).toEqual(['con', 'tent😀é'])
    expect((await all(file.chunks(4))).join('-')).toBe('cont-ent😀-é')
    expect((await all(file.chunks())).join('-')).toBe('content😀é')
    expect([await file.multipleChunks(13), await file.multipleChunks(12)]).toEqual([false, true])
  })

  it('is closed once, then refuses all but to be opened again', async () => {
    const name = await storage.save('closed.txt', 'old')
    const file = await storage.open(name, 'r+')
    await file.write('NEW')
    await Promise.all([file.close(), file.close()])
    await file.discard()
    const calls = [
      () => file.read(),
      () => file.readLine(),
      () => file.write('x'),
      () => file.seek(0),
      () => file.size(),
      () => file.truncate(0),
      () => file.chunks().next(),
      () => file[Symbol.asyncIterator]().next(),
    ]
    for (const call of calls) expect(await outcome(call)).toBe('closed')
    expect(await contentOf(storage, name)).toBe('NEW')
    const [again] = await Promise.all([file.open('r'), file.open('r')])
    expect(await again.read()).toBe('NEW')
    await file[Symbol.asyncDispose]()
    await file[Symbol.asyncDispose]()
    expect(file.closed).toBe(true)
  })

  it('is left as it was by a block that throws in edit, and by a stream that is destroyed', async () => {
    const name = await storage.save('kept.txt', 'old')
    for (const mode of ['w', 'w+', 'a', 'r+'] as const) {
      const work = storage.edit(name, mode, async file => {
        await file.write('x'.repeat(400_000))
        throw new Error(`in ${mode}`)
      })
      await expect(work).rejects.toThrow(`in ${mode}`)
    }
    const stream = storage.createWriteStream(name)
    await new Promise(resolve => stream.write(Buffer.alloc(400_000), resolve))
    await new Promise(resolve => stream.once('close', resolve).destroy())
    expect(await contentOf(storage, name)).toBe('old')
  })
})

async function contentOf(storage: Storage, name: string): Promise<string | undefined> {
  if (!(await storage.exists(name))) return undefined
  await using file = await storage.open(name, 'rb')
  return (await file.read()).toString()
}
