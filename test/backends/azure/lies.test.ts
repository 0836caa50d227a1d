/** Answers of Azure that say success and are not true: no call may believe them, whatever its step. */
import { afterAll } from 'vitest'
import type { Storage } from '../../../src/storage/storage.ts'
import { type NamedFault, named } from '../../faults/case.ts'
import type { Answer } from '../../faults/faults.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import { LIES, lies, withBody, withHeader, without } from '../../faults/lies.ts'
import type { Plan } from '../../faults/matrix.ts'
import * as matrix from '../../faults/matrix.ts'
import { PART, type StepName, startGround } from './fault-steps.ts'

const { close, ...on } = await startGround()
afterAll(close)

const large = distinctBytes(3 * PART - 1000)
const small = large.subarray(0, 30_000)
const old = Buffer.from('what was there before')

type Change = (truth: Answer) => Answer

const text = ({ body }: Answer): string => body.toString()
const changed = (truth: Answer, body: string): Answer => ({ ...truth, body: Buffer.from(body) })
/** Another document of the service in a success. */
const instead =
  (document: string): Change =>
  truth =>
    withBody({ ...truth, status: 200 }, 'application/xml', document)
/** The true document without the elements of this name. */
const lacking =
  (element: string): Change =>
  truth =>
    changed(truth, text(truth).replaceAll(new RegExp(`<${element}>.*?</${element}>`, 'gs'), ''))

function after(title: string, answer: Change): NamedFault {
  return named(`${title}, all done`, { do: 'lie', at: 'after', answer })
}

/** What may be told instead of a document, of any request that is answered by one. */
const DOCUMENTS: readonly NamedFault[] = [
  ...LIES,
  ...lies('a document of another kind', instead('<Other><Name>k</Name></Other>')),
  ...lies('an error inside', instead('<Error><Code>InternalError</Code><Message>Try again.</Message></Error>')),
  after('half a document', truth => changed(truth, text(truth).slice(0, -20))),
  after('a document after a warning', truth => changed(truth, `Warning: slow disk\n${text(truth)}`)),
]
/** A write that was done is 201: another success of the same service is of another request. */
const CREATED: readonly NamedFault[] = [
  ...LIES,
  ...lies('a 200 with an etag', truth => ({ ...withHeader(truth, 'ETag', '"0x1"'), status: 200 })),
  after('no ETag', truth => without(truth, 'etag')),
]
/** A deletion is 202, which an empty answer of that status cannot be told from. */
const DELETED = LIES.filter(({ title }) => !title.startsWith('an accepted 202'))

/** A write that is lied to at one step. */
function writing(
  title: string,
  step: StepName,
  bytes: Buffer,
  save: (files: Storage, name: string) => Promise<unknown>,
  faults: readonly NamedFault[],
  before?: Buffer,
): Plan<StepName> {
  const plan = matrix.writing(title, on, [step], bytes, matrix.doubted, save, before)
  return { ...plan, faults, codes: () => matrix.DOUBTS }
}

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
    codes: () => matrix.DOUBTS,
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

const overwrite = (bytes: Buffer) => (files: Storage, name: string) => files.save(name, bytes, { overwrite: true })
const copied = (bytes: Buffer, attributes: object) => async (files: Storage, name: string) => {
  await on.put(`${name} from`, bytes)
  return files.copy(`${name} from`, name, { overwrite: true, ...attributes })
}
const inBlocks = (files: Storage, name: string) => files.save(name, streamed(large), { overwrite: true })

const writes: ReadonlyArray<Plan<StepName>> = [
  writing('a small file', 'PutBlob', small, overwrite(small), CREATED, old),
  writing(
    'a small new file',
    'PutBlob',
    small,
    (files, name) => files.save(name, small, { overwrite: false }),
    CREATED,
  ),
  writing('a block', 'PutBlock 2', large, inBlocks, LIES, old),
  writing('the list of blocks', 'PutBlockList', large, inBlocks, CREATED, old),
  writing(
    'a copy',
    'CopyBlob',
    small,
    copied(small, {}),
    [
      ...LIES,
      after('no state of the copy', truth => without(truth, 'x-ms-copy-status')),
      after('a state that is none', truth => withHeader(truth, 'x-ms-copy-status', 'odd')),
    ],
    old,
  ),
  writing('a copied block', 'PutBlockFromURL', large, copied(large, { contentType: 'text/odd' }), LIES, old),
]

/** Bytes 5 to 8 of the old file. */
const range = async (files: Storage, name: string) => {
  return Buffer.concat(await files.createReadStream(name, { start: 5, end: 9 }).toArray()).toString()
}
const rangeLies: readonly NamedFault[] = [
  ...LIES,
  after('the whole for a range', truth => ({ ...without(truth, 'content-range'), status: 200, body: old })),
  after('another range', truth => withHeader(truth, 'Content-Range', `bytes 6-10/${old.length}`)),
  after('no Content-Range', truth => without(truth, 'content-range')),
  after('a shorter range', truth => {
    return { ...withHeader(truth, 'Content-Range', `bytes 5-7/${old.length}`), body: truth.body.subarray(0, 3) }
  }),
  after('a longer range', truth => {
    return { ...withHeader(truth, 'Content-Range', `bytes 5-11/${old.length}`), body: old.subarray(5, 12) }
  }),
  after('more bytes than the range has', truth => ({ ...truth, body: old.subarray(5, 12) })),
]

const reads: ReadonlyArray<Plan<StepName>> = [
  looking(
    'reading',
    'GetBlob',
    [
      ...LIES,
      // The service keeps an MD5 of what came in one request, which the bytes must have.
      after('one byte changed', truth => {
        const body = Buffer.from(truth.body)
        body[3] = body[3]! ^ 1
        return { ...truth, body }
      }),
    ],
    async (files, name) => Buffer.concat(await files.createReadStream(name).toArray()).toString(),
    old.toString(),
  ),
  looking('reading a range', 'GetBlob', rangeLies, range, old.toString('utf8', 5, 9)),
  looking(
    'a size',
    'GetBlobProperties',
    [...LIES, after('no length', truth => without(truth, 'content-length'))],
    (files, name) => files.size(name),
    old.length,
  ),
  looking(
    'a listing',
    'ListBlobs',
    [...DOCUMENTS, after('no names', lacking('Name')), after('no next marker', lacking('NextMarker'))],
    (files, name) => files.listdir(name.slice(0, name.lastIndexOf('/'))),
    [[], ['new']],
  ),
]

/** An answer to a batch whose parts are these. */
const batched =
  (...parts: string[]): Change =>
  () => {
    const body = parts.map(
      (part, at) => `--b\r\nContent-Type: application/http\r\nContent-ID: ${at}\r\n\r\n${part}\r\n`,
    )
    return {
      status: 202,
      headers: [['Content-Type', 'multipart/mixed; boundary=b']],
      body: Buffer.from(`${body.join('')}--b--\r\n`),
    }
  }
const accepted = 'HTTP/1.1 202 Accepted\r\nx-ms-request-id: 1\r\n'
const wholly = lies('a part with status 200', batched('HTTP/1.1 200 OK\r\n', accepted))

const deletions: ReadonlyArray<Plan<StepName>> = [
  {
    title: 'one deletion',
    on,
    steps: ['DeleteBlob'],
    faults: DELETED,
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
    steps: ['BlobBatch'],
    faults: [
      ...LIES,
      ...lies('no parts', batched()),
      ...lies('one part too few', batched(accepted)),
      ...wholly.slice(1),
      ...lies('parts that are no answers', batched('hello', 'hello')),
      after('half of the answer', truth => changed(truth, text(truth).slice(0, text(truth).length / 2))),
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
      const stored = await Promise.all(['one', 'two'].map(name => on.stored(prefix + name)))
      const gone = stored.filter(bytes => bytes === undefined).length
      return deleted <= gone && deleted + errors === 2 ? undefined : `it tells ${value}, and ${gone} of two are gone`
    },
  },
]

matrix.describeMatrix([...writes, ...reads, ...deletions])
