/** Every step of every kind of request, with every fault of the proxy, once and always. */
import { afterAll, describe, expect, test } from 'vitest'
import type { S3Storage } from '../../../src/backends/s3/index.ts'
import * as cases from '../../faults/case.ts'
import { type Fault, type FaultResult, type Ground, isHarmless, isLie, type StepName } from '../../faults/case.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { distinctBytes, PART, streamed, strictGround } from './fault-steps.ts'

const server = await startStrictS3({ minPartSize: PART, maxCopySize: 2 * PART })
/** A service whose completion keeps conditions, as Amazon's, and one where only PUT does. */
const amazon = strictGround(server, { conditionalComplete: true })
const others = strictGround(server, { conditionalComplete: false })
afterAll(async () => {
  await amazon.close()
  await others.close()
  await server.close()
})

const large = distinctBytes(3 * PART - 1000)
const small = large.subarray(0, 30_000)
const old = Buffer.from('what was there before')

type Mode = 'once' | 'always'
type Expected = 'succeeds' | 'fails' | 'either'

/** A call with the steps of it that go wrong. */
interface Plan {
  readonly title: string
  readonly on: Ground
  readonly steps: readonly StepName[]
  /** Requests that always fail besides. */
  readonly also?: cases.FaultCase['also']
  work(files: S3Storage, prefix: string): Promise<unknown>
  expected(fault: Fault, mode: Mode, step: StepName): Expected
  /** What is wrong with the outcome, or nothing. */
  wrong(result: FaultResult, fault: Fault): Promise<string | undefined> | string | undefined
}

/** A request that is made again after every fault. */
function repeated(fault: Fault, mode: Mode, step: StepName): Expected {
  return mode === 'once' || isHarmless(fault, step) ? 'succeeds' : 'fails'
}

/** A request after whose loss the server is asked what came of it. */
function looked(fault: Fault, mode: Mode): Expected {
  if (mode === 'once' || fault.work === 'done') return 'succeeds'
  return fault.work === 'late' ? 'either' : 'fails'
}

/** A request that must not be made again unless the server said that it did nothing. */
function unrepeated(fault: Fault, mode: Mode, step: StepName): Expected {
  if (isHarmless(fault, step)) return 'succeeds'
  return mode === 'once' && fault.code === 'throttled' ? 'succeeds' : 'fails'
}

/** A condition fails on its own success when every request comes twice. */
function isTwice({ action }: Fault): boolean {
  return action.do === 'duplicate'
}

function multipart(fault: Fault, mode: Mode, step: StepName): Expected {
  return step === 'CompleteMultipartUpload' ? looked(fault, mode) : repeated(fault, mode, step)
}

/** Whether a write is whole or has left what was there, and its error says the truth about that. */
async function wrongObject(
  stored: Buffer | undefined,
  { error }: FaultResult,
  fault: Fault,
  bytes: Buffer,
  before?: Buffer,
): Promise<string | undefined> {
  const isWhole = stored?.equals(bytes) === true
  const isBefore = before === undefined ? stored === undefined : stored?.equals(before) === true
  if (error === undefined) return isWhole ? undefined : `${stored?.length} bytes are stored`
  if (!isWhole && !isBefore) return `neither the old nor the new object, but ${stored?.length} bytes`
  if (!isWhole || isLie(fault) || isTwice(fault)) return undefined
  if (error.outcome === 'not_applied') return 'the object is there, and the error denies it'
  return fault.work === 'none' ? 'the object is there, though the server was never asked' : undefined
}

/** A plan whose work writes the file `new`. */
function writing(
  title: string,
  on: Ground,
  steps: readonly StepName[],
  bytes: Buffer,
  expected: Plan['expected'],
  save: (files: S3Storage, name: string) => Promise<unknown>,
  before?: Buffer,
): Plan {
  return {
    title,
    on,
    steps,
    expected,
    work: async (files, prefix) => {
      if (before !== undefined) await on.put(`${prefix}new`, before)
      return save(files, `${prefix}new`)
    },
    wrong: async (result, fault) => {
      // A conditional write that met its own work, or what a lying answer denied, takes another name; both files are whole.
      const name = typeof result.value === 'string' ? result.value : `${result.prefix}new`
      return wrongObject(await on.stored(name), result, fault, bytes, before)
    },
  }
}

const PARTS = ['UploadPart 1', 'UploadPart 2', 'UploadPart 3', 'CompleteMultipartUpload'] as const

const plans: readonly Plan[] = [
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
    (fault, mode, step) => {
      if (step !== 'PutObject') return multipart(fault, mode, step)
      return mode === 'always' && isLie(fault) ? 'fails' : looked(fault, mode)
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
    (fault, mode, step) => (mode === 'always' && isTwice(fault) ? 'fails' : unrepeated(fault, mode, step)),
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
      request.url.includes('partNumber=2&') ? { do: 'answer', status: 403, body: 'Forbidden' } : undefined,
    work: (files, prefix) => files.save(`${prefix}new`, streamed(large), { overwrite: true }),
    expected: () => 'fails',
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
    expected: (fault, mode, step) => (fault.action.do === 'truncate' ? 'succeeds' : repeated(fault, mode, step)),
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

/** What a call fails with, where it does. */
function codesOf(fault: Fault, step: StepName): readonly string[] {
  if (step === 'AbortMultipartUpload') return ['permission_denied']
  // The answer to HEAD has no body that could say more than its status.
  if (step === 'HeadObject' && fault.code === 'throttled') return ['throttled', 'unavailable']
  return [fault.code ?? 'exists']
}

async function complaints(plan: Plan, step: StepName, fault: Fault, mode: Mode): Promise<string[]> {
  const result = await cases.runCase(plan.on, { step, fault, mode, also: plan.also }, (files, prefix) =>
    plan.work(files, prefix),
  )
  const { error, open, hit } = result
  const expected = plan.expected(fault, mode, step)
  const said: Array<string | undefined> = []
  if (!hit) said.push('the fault never came into play')
  if (error === undefined && expected === 'fails') said.push('it succeeded')
  if (error !== undefined && expected === 'succeeds') said.push(`it failed: ${error.code} ${error.message}`)
  if (error !== undefined && expected !== 'succeeds' && !codesOf(fault, step).includes(error.code)) {
    said.push(`its code is ${error.code}: ${error.message}`)
  }
  const cannotEnd = step === 'AbortMultipartUpload' && mode === 'always' && fault.work === 'none'
  if (open.length !== (cannotEnd ? 1 : 0)) said.push(`${open.length} uploads are open`)
  if (cannotEnd && !error?.message.includes('stays as the unfinished upload')) said.push(`not told: ${error?.message}`)
  said.push(await plan.wrong(result, fault))
  return said.filter(text => text !== undefined)
}

const warnings: string[] = []
process.on('warning', warning => warnings.push(String(warning)))
// Listeners that pile up on a signal or a stream are told as a warning.
afterAll(() => expect(warnings).toEqual([]))

describe.each(plans)('$title', plan => {
  for (const step of plan.steps) {
    const runs = cases.FAULTS.flatMap(fault => (['once', 'always'] as const).map(mode => ({ fault, mode })))
    const results = runs.map(async ({ fault, mode }) => {
      const said = await complaints(plan, step, fault, mode).catch(error => [String(error)])
      return said.map(text => `${fault.title}, ${mode}: ${text}`)
    })
    test(step, async () => {
      expect((await Promise.all(results)).flat()).toEqual([])
    })
  }
})
