/** Every step of every kind of request to Cloud Storage, with every fault of the proxy, once and always. */
import { afterAll } from 'vitest'
import type { NamedFault } from '../../faults/case.ts'
import { distinctBytes, streamed } from '../../faults/ground.ts'
import * as matrix from '../../faults/matrix.ts'
import { type Expectation, isTwice, looked, type Plan, repeated } from '../../faults/matrix.ts'
import { FAULTS, PART, type StepName, startGrounds } from './fault-steps.ts'

const { json, xml, close } = await startGrounds()
afterAll(close)

const large = distinctBytes(3 * PART - 1000)
const small = large.subarray(0, 30_000)
const old = Buffer.from('what was there before')

const writing = matrix.writing<StepName>

/** After a lost answer the session tells how much it has, or the file that it made. */
const resumable: Expectation<StepName> = (fault, mode, step, on) =>
  step === 'start' ? repeated(fault, mode, step, on) : looked(fault, mode)

/** A request under a condition is made again; where it then meets its own work, which the status alone tells, the file is known by its bytes. */
const conditional: Expectation<StepName> = (fault, mode, step, on) => {
  if (fault.title === 'cut body') return 'succeeds'
  return mode === 'always' && isTwice(fault) ? 'fails' : repeated(fault, mode, step, on)
}

const PARTS = ['part 1', 'part 2', 'last part'] as const

/** What a failed status query adds: the part before it was lost as well. */
const losingPart2 = (request: { readonly headers: Readonly<Record<string, unknown>> }) =>
  String(request.headers['content-range'] ?? '').startsWith(`bytes ${PART}-`) ? ({ do: 'drop' } as const) : undefined

const writes: readonly Plan<StepName>[] = [
  writing(
    'a stream of unknown length over an old file, on a used connection',
    json,
    ['start', ...PARTS],
    large,
    resumable,
    async (files, name) => {
      await files.exists(`${name} not`)
      return files.save(name, streamed(large), { overwrite: true })
    },
    old,
  ),
  writing('bytes in memory in parts', json, ['part 2', 'last part'], large, resumable, (files, name) =>
    files.save(name, large, { overwrite: true }),
  ),
  writing('a new file in parts', json, ['start', ...PARTS], large, resumable, (files, name) =>
    files.save(name, large, { overwrite: false }),
  ),
  writing('a new file in parts, by the XML API', xml, ['start', ...PARTS], large, resumable, (files, name) =>
    files.save(name, streamed(large), { overwrite: false }),
  ),
  writing('a file that is written bit by bit', json, ['part 1', 'last part'], large, resumable, async (files, name) => {
    await files.edit(name, 'wb', async file => {
      for await (const chunk of streamed(large)) await file.write(chunk)
    })
    return name
  }),
  writing(
    'a small file over an old one',
    json,
    ['insert'],
    small,
    repeated,
    (files, name) => files.save(name, small, { overwrite: true }),
    old,
  ),
  writing(
    'a small file over an old one, by the XML API',
    xml,
    ['XML put'],
    small,
    repeated,
    (files, name) => files.save(name, small, { overwrite: true }),
    old,
  ),
  writing('a small stream of unknown length', json, ['insert'], small, repeated, (files, name) =>
    files.save(name, streamed(small), { overwrite: true }),
  ),
  writing('a small new file', json, ['insert'], small, conditional, (files, name) =>
    files.save(name, small, { overwrite: false }),
  ),
  writing('a small new file, by the XML API', xml, ['XML put'], small, conditional, (files, name) =>
    files.save(name, small, { overwrite: false }),
  ),
  writing('a copy in several calls', json, ['rewrite', 'get'], large, repeated, async (files, name) => {
    await json.put(`${name} from`, large)
    return files.copy(`${name} from`, name, { overwrite: true })
  }),
]

const others: readonly Plan<StepName>[] = [
  {
    title: 'the status query after a part that was lost',
    on: json,
    steps: ['status'],
    also: losingPart2,
    work: (files, prefix) => files.save(`${prefix}new`, streamed(large), { overwrite: true }),
    expected: () => 'fails',
    codes: ({ code }) => ['unavailable', code ?? 'unavailable'],
    wrong: async ({ prefix }) => ((await json.stored(`${prefix}new`)) === undefined ? undefined : 'there is an object'),
  },
  {
    title: 'the end of an upload that failed',
    on: json,
    steps: ['cancel'],
    also: ({ headers }) =>
      String(headers['content-range'] ?? '').startsWith(`bytes ${PART}-`)
        ? { do: 'refuse', status: 403, body: 'Forbidden' }
        : undefined,
    work: (files, prefix) => files.save(`${prefix}new`, streamed(large), { overwrite: true }),
    expected: () => 'fails',
    codes: () => ['permission_denied'],
    staysOpen: (fault, mode) => mode === 'always' && fault.work === 'none',
    wrong: async ({ prefix }) => ((await json.stored(`${prefix}new`)) === undefined ? undefined : 'there is an object'),
  },
  {
    title: 'reading',
    on: json,
    steps: ['read'],
    work: async (files, prefix) => {
      await json.put(`${prefix}new`, old)
      return Buffer.concat(await files.createReadStream(`${prefix}new`).toArray())
    },
    // Each answer that is cut off brings a little, and the reading goes on from there.
    expected: (fault, mode, step, on) => (fault.title === 'cut body' ? 'succeeds' : repeated(fault, mode, step, on)),
    wrong: ({ value, error }) =>
      error === undefined && !old.equals(value as Buffer) ? `it read '${value}'` : undefined,
  },
  {
    title: 'asking for a size',
    on: json,
    steps: ['get'],
    work: async (files, prefix) => {
      await json.put(`${prefix}new`, old)
      return files.size(`${prefix}new`)
    },
    expected: repeated,
    wrong: ({ value, error }) => (error === undefined && value !== old.length ? `the size is ${value}` : undefined),
  },
  {
    title: 'listing',
    on: json,
    steps: ['list'],
    work: async (files, prefix) => {
      await json.put(`${prefix}new`, old)
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
    on: json,
    steps: ['delete'],
    work: async (files, prefix) => {
      await json.put(`${prefix}new`, old)
      await files.delete(`${prefix}new`)
    },
    expected: repeated,
    wrong: async ({ prefix, error }, fault) => {
      const isThere = (await json.stored(`${prefix}new`)) !== undefined
      const mayStay = error !== undefined && fault.work === 'none'
      return isThere === mayStay ? undefined : `the object is ${isThere ? 'still there' : 'gone'}`
    },
  },
  {
    title: 'deleting many',
    on: json,
    steps: ['batch'],
    work: async (files, prefix) => {
      const names = ['one', 'two'].map(name => prefix + name)
      for (const name of names) await json.put(name, old)
      return (await files.deleteMany(names)).deleted
    },
    expected: repeated,
    wrong: async ({ prefix, value, error }, fault: NamedFault) => {
      const left = [await json.stored(`${prefix}one`), await json.stored(`${prefix}two`)].filter(Boolean).length
      if (error === undefined) return value === 2 && left === 0 ? undefined : `it deleted ${value}, left ${left}`
      return left === (fault.work === 'none' ? 2 : 0) ? undefined : `it left ${left}`
    },
  },
]

matrix.describeMatrix([...writes, ...others], FAULTS)
