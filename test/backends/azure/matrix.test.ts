/** Every step of every kind of request to Azure, with every fault of the proxy, once and always. */
import { afterAll } from 'vitest'
import { isDenial } from '../../faults/case.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import * as matrix from '../../faults/matrix.ts'
import { type Expectation, isTwice, looked, type Plan, repeated, unrepeated } from '../../faults/matrix.ts'
import { FAULTS, PART, type StepName, startGround } from './fault-steps.ts'

const { close, ...on } = await startGround()
afterAll(close)

const large = distinctBytes(3 * PART - 1000)
const small = large.subarray(0, 30_000)
const old = Buffer.from('what was there before')

const writing = matrix.writing<StepName>

/** The list may be sent again: where every answer denies what was done, the last one is the caller's. */
const inBlocks: Expectation<StepName> = (fault, mode, step, ground) => {
  if (step !== 'PutBlockList') return repeated(fault, mode, step, ground)
  return mode === 'always' && isDenial(fault) ? 'fails' : looked(fault, mode)
}
/** As a new blob, whose list meets itself where each request comes twice. */
const newInBlocks: Expectation<StepName> = (fault, mode, step, ground) =>
  step === 'PutBlockList' && mode === 'always' && isTwice(fault) ? 'fails' : inBlocks(fault, mode, step, ground)

const BLOCKS = ['PutBlock 1', 'PutBlock 2', 'PutBlock 3', 'PutBlockList'] as const

const writes: ReadonlyArray<Plan<StepName>> = [
  writing(
    'a stream of unknown length over an old file, on a used connection',
    on,
    BLOCKS,
    large,
    inBlocks,
    async (files, name) => {
      await files.exists(`${name} not`)
      return files.save(name, streamed(large), { overwrite: true })
    },
    old,
  ),
  writing('bytes in memory in blocks', on, ['PutBlock 2', 'PutBlockList'], large, inBlocks, (files, name) =>
    files.save(name, large, { overwrite: true }),
  ),
  writing('a new file in blocks', on, ['PutBlock 3', 'PutBlockList'], large, newInBlocks, (files, name) =>
    files.save(name, large, { overwrite: false }),
  ),
  writing(
    'a file that is written bit by bit',
    on,
    ['PutBlock 1', 'PutBlockList'],
    large,
    inBlocks,
    async (files, name) => {
      await files.edit(name, 'wb', async file => {
        for await (const chunk of streamed(large)) await file.write(chunk)
      })
      return name
    },
  ),
  writing(
    'a small file over an old one',
    on,
    ['PutBlob'],
    small,
    repeated,
    (files, name) => files.save(name, small, { overwrite: true }),
    old,
  ),
  writing('a small stream of unknown length', on, ['PutBlob'], small, repeated, (files, name) =>
    files.save(name, streamed(small), { overwrite: true }),
  ),
  writing(
    'a small new file',
    on,
    ['PutBlob'],
    small,
    (fault, mode, step, ground) =>
      mode === 'always' && isTwice(fault) ? 'fails' : unrepeated(fault, mode, step, ground),
    (files, name) => files.save(name, small, { overwrite: false }),
  ),
  writing('a copy', on, ['CopyBlob'], small, repeated, async (files, name) => {
    await on.put(`${name} from`, small)
    return files.copy(`${name} from`, name, { overwrite: true })
  }),
  writing('a copy in blocks', on, ['PutBlockFromURL', 'PutBlockList'], large, inBlocks, async (files, name) => {
    await on.put(`${name} from`, large)
    return files.copy(`${name} from`, name, { overwrite: true, contentType: 'text/odd' })
  }),
]

const others: ReadonlyArray<Plan<StepName>> = [
  {
    title: 'reading',
    on,
    steps: ['GetBlob'],
    work: async (files, prefix) => {
      await on.put(`${prefix}new`, old)
      return Buffer.concat(await files.createReadStream(`${prefix}new`).toArray())
    },
    // Each answer that is cut off brings a little, and the reading goes on from there.
    expected: (fault, mode, step, ground) =>
      fault.title === 'cut body' ? 'succeeds' : repeated(fault, mode, step, ground),
    wrong: ({ value, error }) =>
      error === undefined && !old.equals(value as Buffer) ? `it read '${value}'` : undefined,
  },
  {
    title: 'asking for a size',
    on,
    steps: ['GetBlobProperties'],
    work: async (files, prefix) => {
      await on.put(`${prefix}new`, old)
      return files.size(`${prefix}new`)
    },
    expected: repeated,
    wrong: ({ value, error }) => (error === undefined && value !== old.length ? `the size is ${value}` : undefined),
  },
  {
    title: 'listing',
    on,
    steps: ['ListBlobs'],
    work: async (files, prefix) => {
      await on.put(`${prefix}new`, old)
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
    on,
    steps: ['DeleteBlob'],
    work: async (files, prefix) => {
      await on.put(`${prefix}new`, old)
      await files.delete(`${prefix}new`)
    },
    expected: repeated,
    wrong: async ({ prefix, error }, fault) => {
      const isThere = (await on.stored(`${prefix}new`)) !== undefined
      const mayStay = error !== undefined && fault.work === 'none'
      return isThere === mayStay ? undefined : `the blob is ${isThere ? 'still there' : 'gone'}`
    },
  },
  {
    title: 'deleting many',
    on,
    steps: ['BlobBatch'],
    work: async (files, prefix) => {
      const names = ['one', 'two'].map(name => prefix + name)
      for (const name of names) await on.put(name, old)
      return (await files.deleteMany(names)).deleted
    },
    expected: repeated,
    wrong: async ({ prefix, value, error }, fault) => {
      const left = [await on.stored(`${prefix}one`), await on.stored(`${prefix}two`)].filter(Boolean).length
      if (error === undefined) return value === 2 && left === 0 ? undefined : `it deleted ${value}, left ${left}`
      return left === (fault.work === 'none' ? 2 : 0) ? undefined : `it left ${left}`
    },
  },
]

matrix.describeMatrix([...writes, ...others], FAULTS)
