/** Every step of every kind of request to S3, with every fault of the proxy, once and always. */
import { afterAll } from 'vitest'
import { isDenial } from '../../faults/case.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import * as matrix from '../../faults/matrix.ts'
import { type Expectation, isTwice, looked, type Plan, repeated, unrepeated } from '../../faults/matrix.ts'
import { FAULTS, PART, type StepName, startGrounds } from './fault-steps.ts'

/** A service whose completion keeps conditions, as Amazon's, and one where only PUT does. */
const { amazon, others, close } = await startGrounds()
afterAll(close)

const large = distinctBytes(3 * PART - 1000)
const small = large.subarray(0, 30_000)
const old = Buffer.from('what was there before')

const writing = matrix.writing<StepName>

const multipart: Expectation<StepName> = (fault, mode, step, ground) =>
  step === 'CompleteMultipartUpload' ? looked(fault, mode) : repeated(fault, mode, step, ground)

const PARTS = ['UploadPart 1', 'UploadPart 2', 'UploadPart 3', 'CompleteMultipartUpload'] as const

const plans: readonly Plan<StepName>[] = [
  writing(
    'a stream of unknown length over an old file, on a used connection',
    others,
    ['CreateMultipartUpload', ...PARTS],
    large,
    multipart,
    async (files, name) => {
      await files.exists(`${name} not`)
      return files.save(name, streamed(large), { overwrite: true })
    },
    old,
  ),
  writing(
    'bytes in memory in parts',
    others,
    ['UploadPart 2', 'CompleteMultipartUpload'],
    large,
    multipart,
    (files, name) => files.save(name, large, { overwrite: true }),
  ),
  writing(
    'a new file in parts, where completion keeps conditions',
    amazon,
    ['UploadPart 2', 'CompleteMultipartUpload'],
    large,
    multipart,
    (files, name) => files.save(name, large, { overwrite: false }),
  ),
  writing(
    'a new file in parts, where only PUT keeps conditions',
    others,
    ['UploadPart 3', 'PutObject', 'CompleteMultipartUpload'],
    large,
    (fault, mode, step, on) => {
      if (step !== 'PutObject') return multipart(fault, mode, step, on)
      return mode === 'always' && isDenial(fault) ? 'fails' : looked(fault, mode)
    },
    (files, name) => files.save(name, large, { overwrite: false }),
  ),
  writing(
    'a file that is written bit by bit',
    others,
    ['UploadPart 1', 'CompleteMultipartUpload'],
    large,
    multipart,
    async (files, name) => {
      await files.edit(name, 'wb', async file => {
        for await (const chunk of streamed(large)) await file.write(chunk)
      })
      return name
    },
  ),
  writing(
    'a small file over an old one',
    others,
    ['PutObject'],
    small,
    repeated,
    (files, name) => files.save(name, small, { overwrite: true }),
    old,
  ),
  writing('a small stream of unknown length', others, ['PutObject'], small, repeated, (files, name) =>
    files.save(name, streamed(small), { overwrite: true }),
  ),
  writing(
    'a small new file',
    others,
    ['PutObject'],
    small,
    (fault, mode, step, on) => (mode === 'always' && isTwice(fault) ? 'fails' : unrepeated(fault, mode, step, on)),
    (files, name) => files.save(name, small, { overwrite: false }),
  ),
  writing('a copy', others, ['CopyObject'], small, repeated, async (files, name) => {
    await others.put(`${name} from`, small)
    return files.copy(`${name} from`, name, { overwrite: true })
  }),
  writing(
    'a copy in parts',
    others,
    ['CreateMultipartUpload', 'UploadPartCopy', 'CompleteMultipartUpload'],
    large,
    multipart,
    async (files, name) => {
      await others.put(`${name} from`, large)
      return files.copy(`${name} from`, name, { overwrite: true })
    },
  ),
  {
    title: 'the end of an upload that failed',
    on: others,
    steps: ['AbortMultipartUpload'],
    also: request =>
      request.url.includes('partNumber=2&') ? { do: 'refuse', status: 403, body: 'Forbidden' } : undefined,
    work: (files, prefix) => files.save(`${prefix}new`, streamed(large), { overwrite: true }),
    expected: () => 'fails',
    codes: () => ['permission_denied'],
    staysOpen: (fault, mode) => mode === 'always' && fault.work === 'none',
    wrong: async ({ prefix }) => {
      return (await others.stored(`${prefix}new`)) === undefined ? undefined : 'there is an object'
    },
  },
  {
    title: 'reading',
    on: others,
    steps: ['GetObject'],
    work: async (files, prefix) => {
      await others.put(`${prefix}new`, old)
      return Buffer.concat(await files.createReadStream(`${prefix}new`).toArray())
    },
    // Each answer that is cut off brings a little, and the reading goes on from there.
    expected: (fault, mode, step, on) => (fault.title === 'cut body' ? 'succeeds' : repeated(fault, mode, step, on)),
    wrong: ({ value, error }) =>
      error === undefined && !old.equals(value as Buffer) ? `it read '${value}'` : undefined,
  },
  {
    title: 'asking for a size',
    on: others,
    steps: ['HeadObject'],
    work: async (files, prefix) => {
      await others.put(`${prefix}new`, old)
      return files.size(`${prefix}new`)
    },
    expected: repeated,
    // The answer to HEAD has no body that could say more than its status.
    codes: ({ code }) => (code === 'throttled' ? ['throttled', 'unavailable'] : [code ?? 'exists']),
    wrong: ({ value, error }) => (error === undefined && value !== old.length ? `the size is ${value}` : undefined),
  },
  {
    title: 'listing',
    on: others,
    steps: ['ListObjectsV2'],
    work: async (files, prefix) => {
      await others.put(`${prefix}new`, old)
      return files.listdir(prefix)
    },
    expected: repeated,
    wrong: ({ value, error }) =>
      error === undefined && JSON.stringify(value) !== '[[],["new"]]'
        ? `it listed ${JSON.stringify(value)}`
        : undefined,
  },
  {
    title: 'deleting one',
    on: others,
    steps: ['DeleteObject'],
    work: async (files, prefix) => {
      await others.put(`${prefix}new`, old)
      await files.delete(`${prefix}new`)
    },
    expected: repeated,
    wrong: async ({ prefix, error }, fault) => {
      const isThere = (await others.stored(`${prefix}new`)) !== undefined
      const mayStay = error !== undefined && fault.work === 'none'
      return isThere === mayStay ? undefined : `the object is ${isThere ? 'still there' : 'gone'}`
    },
  },
  {
    title: 'deleting many',
    on: others,
    steps: ['DeleteObjects'],
    work: async (files, prefix) => {
      const names = ['one', 'two'].map(name => prefix + name)
      for (const name of names) await others.put(name, old)
      return (await files.deleteMany(names)).deleted
    },
    expected: repeated,
    wrong: async ({ prefix, value, error }, fault) => {
      const left = [await others.stored(`${prefix}one`), await others.stored(`${prefix}two`)].filter(Boolean).length
      if (error === undefined) return value === 2 && left === 0 ? undefined : `it deleted ${value}, left ${left}`
      return left === (fault.work === 'none' ? 2 : 0) ? undefined : `it left ${left}`
    },
  },
]

matrix.describeMatrix(plans, FAULTS)
