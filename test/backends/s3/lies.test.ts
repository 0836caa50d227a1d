/** Answers of S3 that say success and are not true: no call may believe them, whatever its step. */
import { afterAll } from 'vitest'
import type { Storage } from '../../../src/storage/storage.ts'
import { type NamedFault, named } from '../../faults/case.ts'
import type { Answer } from '../../faults/faults.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import { LIES, lies, withBody, withHeader, without } from '../../faults/lies.ts'
import type { Plan } from '../../faults/matrix.ts'
import * as matrix from '../../faults/matrix.ts'
import { PART, type StepName, startGrounds } from './fault-steps.ts'

const { amazon: on, close } = await startGrounds()
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

/** What may be told instead of a document, of any request that is answered by one. */
const DOCUMENTS: readonly NamedFault[] = [
  ...LIES,
  ...lies('a document of another kind', instead('<Other><Key>k</Key></Other>')),
  ...lies('an error inside', instead('<Error><Code>InternalError</Code><Message>Try again.</Message></Error>')),
  after('half a document', truth => changed(truth, text(truth).slice(0, -20))),
  after('a document after a warning', truth => changed(truth, `Warning: slow disk\n${text(truth)}`)),
]
/** Of a request that need only be done: an empty 200 is what some compatible services answer. */
const DONE = LIES.filter(({ title }) => !title.startsWith('an empty 200'))

function after(title: string, answer: Change): NamedFault {
  return named(`${title}, all done`, { do: 'lie', at: 'after', answer })
}

type Told = Pick<Plan<StepName>, 'faults'> & { readonly before?: Buffer }

/** A write that is lied to at one step. */
function writing(
  title: string,
  step: StepName,
  bytes: Buffer,
  save: (files: Storage, name: string) => Promise<unknown>,
  { faults = LIES, before }: Told = {},
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
const copied = (bytes: Buffer) => async (files: Storage, name: string) => {
  await on.put(`${name} from`, bytes)
  return files.copy(`${name} from`, name, { overwrite: true })
}
const inParts = (files: Storage, name: string) => files.save(name, streamed(large), { overwrite: true })
const noEtag = after('no ETag', truth => without(truth, 'etag'))

const writes: ReadonlyArray<Plan<StepName>> = [
  writing('a small file', 'PutObject', small, overwrite(small), { faults: [...LIES, noEtag], before: old }),
  writing('a small new file', 'PutObject', small, (files, name) => files.save(name, small, { overwrite: false })),
  writing('the begin of an upload', 'CreateMultipartUpload', large, inParts, {
    faults: [...DOCUMENTS, after('no id', lacking('UploadId'))],
    before: old,
  }),
  writing('a part', 'UploadPart 2', large, inParts, { faults: [...LIES, noEtag], before: old }),
  writing('the end of an upload', 'CompleteMultipartUpload', large, inParts, { faults: DOCUMENTS, before: old }),
  writing('a copy', 'CopyObject', small, copied(small), {
    faults: [...DOCUMENTS, after('no ETag', lacking('ETag'))],
    before: old,
  }),
  writing('a copied part', 'UploadPartCopy', large, copied(large), {
    faults: [...DOCUMENTS, after('no ETag', lacking('ETag'))],
    before: old,
  }),
  {
    title: 'the abort of an upload',
    on,
    steps: ['AbortMultipartUpload'],
    faults: DONE,
    also: ({ url }) => (url.includes('partNumber=2&') ? { do: 'refuse', status: 403, body: 'Forbidden' } : undefined),
    work: (files, prefix) => inParts(files, `${prefix}new`),
    expected: () => 'fails',
    codes: () => ['permission_denied'],
    staysOpen: (fault, mode) => mode === 'always' && fault.work === 'none',
    wrong: async ({ prefix }) => {
      return (await on.stored(`${prefix}new`)) === undefined ? undefined : 'there is an object'
    },
  },
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
    'GetObject',
    LIES,
    async (files, name) => Buffer.concat(await files.createReadStream(name).toArray()).toString(),
    old.toString(),
  ),
  looking('reading a range', 'GetObject', rangeLies, range, old.toString('utf8', 5, 9)),
  looking(
    'a size',
    'HeadObject',
    // That of an empty object, for a service that keeps neither etags nor times, looks as an empty 200.
    [...DONE, after('no length', truth => without(truth, 'content-length'))],
    (files, name) => files.size(name),
    old.length,
  ),
  looking(
    'a listing',
    'ListObjectsV2',
    [
      ...DOCUMENTS,
      after('no keys', lacking('Key')),
      after('no token', truth => {
        return changed(truth, text(truth).replace('<IsTruncated>false', '<IsTruncated>true'))
      }),
    ],
    (files, name) => files.listdir(name.slice(0, name.lastIndexOf('/'))),
    [[], ['new']],
  ),
]

const deletions: ReadonlyArray<Plan<StepName>> = [
  {
    title: 'one deletion',
    on,
    steps: ['DeleteObject'],
    faults: DONE,
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
    steps: ['DeleteObjects'],
    faults: [
      ...DOCUMENTS,
      ...lies('no key named', instead('<DeleteResult></DeleteResult>')),
      ...lies('other keys named', instead('<DeleteResult><Deleted><Key>other</Key></Deleted></DeleteResult>')),
      after('one key left out', truth => changed(truth, text(truth).replace(/<Deleted>.*?<\/Deleted>/s, ''))),
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
