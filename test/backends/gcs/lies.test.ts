/** Answers of Cloud Storage that say success and are not true: no call may believe them, whatever its step. */
import { afterAll } from 'vitest'
import type { Storage } from '../../../src/storage/storage.ts'
import { type NamedFault, named } from '../../faults/case.ts'
import type { Answer } from '../../faults/faults.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import { LIES, lies, withBody, withHeader, without } from '../../faults/lies.ts'
import type { Plan } from '../../faults/matrix.ts'
import * as matrix from '../../faults/matrix.ts'
import { PART, type StepName, startGrounds } from './fault-steps.ts'

const { json: on, xml, close } = await startGrounds()
afterAll(close)

const large = distinctBytes(3 * PART - 1000)
const small = large.subarray(0, 30_000)
const old = Buffer.from('what was there before')

type Change = (truth: Answer) => Answer
type Fields = Record<string, unknown>

const after = (title: string, answer: Change): NamedFault =>
  named(`${title}, all done`, { do: 'lie', at: 'after', answer })
/** The true document with other fields. */
const changed =
  (change: (fields: Fields) => Fields): Change =>
  truth =>
    withBody(
      truth,
      'application/json; charset=UTF-8',
      JSON.stringify(change(JSON.parse(truth.body.toString()) as Fields)),
    )
/** The true document without some fields. */
const lacking = (...names: string[]): Change =>
  changed(fields => Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name))))
/** Another document in a success. */
const instead =
  (document: unknown): Change =>
  truth =>
    withBody({ ...truth, status: 200 }, 'application/json; charset=UTF-8', JSON.stringify(document))

/** What may be told instead of a document, of any request that is answered by one. */
const DOCUMENTS: readonly NamedFault[] = [
  ...LIES,
  ...lies('a document of another kind', instead({ kind: 'storage#other' })),
  ...lies('a list', instead([])),
  ...lies('nothing', instead(null)),
  ...lies(
    'an error inside',
    instead({ error: { code: 503, message: 'Try again.', errors: [{ reason: 'backendError' }] } }),
  ),
  after('half a document', truth => ({ ...truth, body: truth.body.subarray(0, -20) })),
]

/** What may be told of the object that a write made. */
const OBJECTS: readonly NamedFault[] = [
  ...DOCUMENTS,
  after('no generation', lacking('generation')),
  after(
    'another size',
    changed(fields => ({ ...fields, size: '5' })),
  ),
  after(
    'another checksum',
    changed(fields => ({ ...fields, crc32c: 'AAAAAA==' })),
  ),
]

/** Lies that have the client say what the service then refuses, or what the client itself refuses, with the code of that. */
const REFUSED: ReadonlyArray<readonly [title: string, code: string]> = [
  ['a bad address', 'improperly_configured'],
  ['no progress for ever', 'invalid_argument'],
  ['the same token for ever', 'invalid_argument'],
]

type Told = Pick<Plan<StepName>, 'faults'> & { readonly before?: Buffer; readonly by?: typeof on }

/** A write that is lied to at one step. */
function writing(
  title: string,
  step: StepName,
  bytes: Buffer,
  save: (files: Storage, name: string) => Promise<unknown>,
  { faults = LIES, before, by = on }: Told = {},
): Plan<StepName> {
  const plan = matrix.writing(title, by, [step], bytes, matrix.doubted, save, before)
  return {
    ...plan,
    faults,
    codes: ({ title }) => [...matrix.DOUBTS, ...(REFUSED.find(([start]) => title.startsWith(start)) ?? [])],
  }
}

const overwrite = (bytes: Buffer) => (files: Storage, name: string) => files.save(name, bytes, { overwrite: true })
const inParts = (files: Storage, name: string) => files.save(name, streamed(large), { overwrite: true })
const stored =
  (last: number): Change =>
  () => ({ status: 308, headers: [['Range', `bytes=0-${last}`]], body: Buffer.alloc(0) })

const writes: ReadonlyArray<Plan<StepName>> = [
  writing('a small file', 'insert', small, overwrite(small), { faults: OBJECTS, before: old }),
  writing('a small new file', 'insert', small, (files, name) => files.save(name, small, { overwrite: false }), {
    faults: OBJECTS,
  }),
  writing('a small file, by the XML API', 'XML put', small, overwrite(small), {
    faults: [...LIES, after('no hash', truth => without(truth, 'x-goog-hash', 'x-goog-generation'))],
    before: old,
    by: xml,
  }),
  writing('the start of an upload', 'start', large, inParts, {
    faults: [
      ...LIES,
      after('no address', truth => without(truth, 'location')),
      after('a bad address', truth => withHeader(truth, 'Location', 'nowhere')),
    ],
    before: old,
  }),
  writing('a part', 'part 2', large, inParts, {
    faults: [
      ...LIES,
      ...lies('more than was sent', stored(3 * PART - 1001)),
      ...lies('less than was stored before', stored(9)),
      ...lies('a range that cannot be read', () => ({
        status: 308,
        headers: [['Range', 'bytes=5-9']],
        body: Buffer.alloc(0),
      })),
      ...lies('an object', instead({ kind: 'storage#object', name: 'x', generation: '1', size: String(large.length) })),
    ],
    before: old,
  }),
  writing('the last part', 'last part', large, inParts, {
    faults: [
      ...OBJECTS,
      ...lies('all is stored, and no object', stored(large.length - 1)),
      ...lies('nothing is stored', () => ({ status: 308, headers: [], body: Buffer.alloc(0) })),
    ],
    before: old,
  }),
  writing(
    'a copy',
    'rewrite',
    large,
    async (files, name) => {
      await on.put(`${name} from`, large)
      return files.copy(`${name} from`, name, { overwrite: true })
    },
    {
      faults: [
        ...DOCUMENTS,
        ...lies('done without an object', instead({ done: true })),
        ...lies('not done and no token', instead({ done: false, totalBytesRewritten: '1' })),
        ...lies(
          'done with another object',
          instead({ done: true, resource: { name: 'x', generation: '1', size: '5', crc32c: 'AAAAAA==' } }),
        ),
        ...lies('no progress for ever', instead({ done: false, totalBytesRewritten: '1', rewriteToken: 'again' })),
      ],
      before: old,
    },
  ),
]

/** A plan that looks at one file, which is there. */
function looking(
  title: string,
  step: StepName,
  faults: readonly NamedFault[],
  work: (files: Storage, name: string) => Promise<unknown>,
  truth: unknown,
): Plan<StepName> {
  return {
    title,
    on,
    steps: [step],
    faults,
    expected: matrix.doubted,
    codes: ({ title }) => [
      ...matrix.DOUBTS,
      'unsupported',
      ...(REFUSED.find(([start]) => title.startsWith(start)) ?? []),
    ],
    work: async (files, prefix) => {
      await on.put(`${prefix}new`, old)
      return work(files, `${prefix}new`)
    },
    wrong: ({ value, error }) => {
      if (error !== undefined || JSON.stringify(value) === JSON.stringify(truth)) return undefined
      return `it returned ${JSON.stringify(value)}`.slice(0, 120)
    },
  }
}

/** Bytes 5 to 8 of the old file. */
const range = async (files: Storage, name: string) => {
  return Buffer.concat(await files.createReadStream(name, { start: 5, end: 9 }).toArray()).toString()
}
const rangeLies: readonly NamedFault[] = [
  ...LIES,
  after('the whole for a range', truth => ({ ...without(truth, 'content-range'), status: 200, body: old })),
  after('another range', truth => withHeader(truth, 'Content-Range', `bytes 6-10/${old.length}`)),
  after('no Content-Range', truth => without(truth, 'content-range')),
  after('a shorter range', truth => ({
    ...withHeader(truth, 'Content-Range', `bytes 5-7/${old.length}`),
    body: truth.body.subarray(0, 3),
  })),
  after('a longer range', truth => ({
    ...withHeader(truth, 'Content-Range', `bytes 5-11/${old.length}`),
    body: old.subarray(5, 12),
  })),
  after('more bytes than the range has', truth => ({ ...truth, body: old.subarray(5, 12) })),
]

const reads: ReadonlyArray<Plan<StepName>> = [
  looking(
    'reading',
    'read',
    [
      ...LIES,
      after('another byte', truth => ({ ...truth, body: Buffer.from('what was there Before') })),
      after('another hash', truth => withHeader(truth, 'x-goog-hash', 'crc32c=AAAAAA==')),
    ],
    async (files, name) => Buffer.concat(await files.createReadStream(name).toArray()).toString(),
    old.toString(),
  ),
  looking('reading a range', 'read', rangeLies, range, old.toString('utf8', 5, 9)),
  looking(
    'a size',
    'get',
    [
      ...DOCUMENTS,
      after('no size', lacking('size')),
      after(
        'a size that is none',
        changed(fields => ({ ...fields, size: 'x' })),
      ),
    ],
    (files, name) => files.size(name),
    old.length,
  ),
  looking(
    'a listing',
    'list',
    [
      ...LIES,
      ...lies('a list', instead([])),
      ...lies('nothing', instead(null)),
      ...lies('an error inside', instead({ error: { code: 503, message: 'Try again.' } })),
      ...lies('a document of another kind', instead({ kind: 'storage#buckets' })),
      after('half a document', truth => ({ ...truth, body: truth.body.subarray(0, -20) })),
      after(
        'no names',
        changed(fields => ({ ...fields, items: [{ kind: 'storage#object' }] })),
      ),
      after(
        'items that are no list',
        changed(fields => ({ ...fields, items: 'x' })),
      ),
      after(
        'the same token for ever',
        changed(fields => ({ ...fields, nextPageToken: 'again' })),
      ),
    ],
    (files, name) => files.listdir(name.slice(0, name.lastIndexOf('/'))),
    [[], ['new']],
  ),
]

/** An answer of a batch in which only so many parts are left. */
const parts =
  (keep: number): Change =>
  truth => {
    const type = truth.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
    const mark = `--${/boundary=(.*)/.exec(type)?.[1]}`
    const kept = truth.body
      .toString()
      .split(mark)
      .slice(0, keep + 1)
    return { ...truth, body: Buffer.from(`${kept.join(mark)}${mark}--\r\n`) }
  }

const deletions: ReadonlyArray<Plan<StepName>> = [
  {
    title: 'one deletion',
    on,
    steps: ['delete'],
    faults: LIES,
    expected: matrix.doubted,
    codes: () => matrix.DOUBTS,
    work: async (files, prefix) => {
      await on.put(`${prefix}new`, old)
      await files.delete(`${prefix}new`)
    },
    wrong: async ({ prefix, error }) => {
      return error !== undefined || (await on.stored(`${prefix}new`)) === undefined ? undefined : 'it is still there'
    },
  },
  {
    title: 'many deletions',
    on,
    steps: ['batch'],
    faults: [
      ...LIES,
      after('half an answer', truth => ({ ...truth, body: truth.body.subarray(0, truth.body.length / 2) })),
      after('one part left out', parts(1)),
      after('no part', parts(0)),
      after('other places', truth => ({
        ...truth,
        body: Buffer.from(truth.body.toString().replaceAll('<response-', '<other-')),
      })),
      after('a part with another success', truth => ({
        ...truth,
        body: Buffer.from(truth.body.toString().replaceAll('204 No Content', '200 OK')),
      })),
    ],
    expected: matrix.doubted,
    codes: () => matrix.DOUBTS,
    work: async (files, prefix) => {
      const names = ['one', 'two'].map(name => prefix + name)
      for (const name of names) await on.put(name, old)
      const { deleted, errors } = await files.deleteMany(names)
      return [deleted, errors.length]
    },
    wrong: async ({ prefix, value, error }) => {
      if (error !== undefined) return undefined
      const [deleted = 0, errors = 0] = value as number[]
      const left = await Promise.all(['one', 'two'].map(name => on.stored(prefix + name)))
      const gone = left.filter(bytes => bytes === undefined).length
      return deleted <= gone && deleted + errors === 2 ? undefined : `it tells ${value}, and ${gone} of two are gone`
    },
  },
]

matrix.describeMatrix([...writes, ...reads, ...deletions])
