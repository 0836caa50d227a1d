/** The ways to write a file that matrix, lies and aborts try with every backend. */
import type { Storage } from '../../src/storage/storage.ts'
import { distinctBytes, type Ground, streamed } from './ground.ts'
import { type PlanPart, wrongObject } from './plans.ts'

/** What was there before a file is written or read. */
export const OLD: Buffer = Buffer.from('what was there before')

/** What a write is told besides its file. */
export interface WriteOptions {
  readonly signal?: AbortSignal
  /** Attributes of a copy, where they decide how it is made. */
  readonly attributes?: object | undefined
}

/** A call that writes one file. */
export interface Write {
  readonly title: string
  /** Three parts, or less than one. */
  readonly size: 'large' | 'small'
  /** Whether there is an old file by that name. */
  readonly over?: boolean
  run(files: Storage, name: string, bytes: Buffer, on: Ground, options: WriteOptions): Promise<unknown>
}

export type WriteName = keyof typeof WRITES

const save =
  (overwrite: boolean, content: (bytes: Buffer) => Buffer | AsyncIterable<Buffer> = bytes => bytes): Write['run'] =>
  (files, name, bytes, _on, { signal }) =>
    files.save(name, content(bytes), { overwrite, signal })

const copy: Write['run'] = async (files, name, bytes, on, { signal, attributes }) => {
  await on.put(`${name} from`, bytes)
  return files.copy(`${name} from`, name, { overwrite: true, ...attributes, signal })
}

const stream: Write = { title: 'a stream over an old file', size: 'large', over: true, run: save(true, streamed) }

/** Each by its name here. */
export const WRITES = {
  usedStream: {
    title: 'a stream of unknown length over an old file, on a used connection',
    size: 'large',
    over: true,
    run: async (files, name, bytes, on, options) => {
      await files.exists(`${name} not`)
      return stream.run(files, name, bytes, on, options)
    },
  },
  stream,
  inMemory: { title: 'bytes in memory in parts', size: 'large', run: save(true) },
  newInParts: { title: 'a new file in parts', size: 'large', run: save(false) },
  newStream: { title: 'a new stream', size: 'large', run: save(false, streamed) },
  bitByBit: {
    title: 'a file that is written bit by bit',
    size: 'large',
    run: async (files, name, bytes) => {
      await files.edit(name, 'wb', async file => {
        for await (const chunk of streamed(bytes)) await file.write(chunk)
      })
      return name
    },
  },
  small: { title: 'a small file over an old one', size: 'small', over: true, run: save(true) },
  smallStream: { title: 'a small stream of unknown length', size: 'small', run: save(true, streamed) },
  smallNew: { title: 'a small new file', size: 'small', run: save(false) },
  copy: { title: 'a copy', size: 'small', run: copy },
  copyInParts: { title: 'a copy in parts', size: 'large', run: copy },
} as const satisfies Readonly<Record<string, Write>>

/** The bytes of a write, where a part has so many. */
export function bytesOf({ size }: Write, part: number): Buffer {
  const large = distinctBytes(3 * part - 1000)
  return size === 'large' ? large : large.subarray(0, 30_000)
}

/** The part of a plan that a write is. */
export function writePart<S extends string>(
  write: Write,
  on: Ground<S>,
  part: number,
  attributes?: object,
  isOver: boolean = write.over === true,
): PlanPart<S> {
  const bytes = bytesOf(write, part)
  const before = isOver ? OLD : undefined
  return {
    title: write.title,
    work: async (files, prefix) => {
      if (before !== undefined) await on.put(`${prefix}new`, before)
      return write.run(files, `${prefix}new`, bytes, on, { attributes })
    },
    wrong: async (result, fault) => {
      // A conditional write that met its own work, or what a lying answer denied, takes another name; both files are whole.
      const name = typeof result.value === 'string' ? result.value : `${result.prefix}new`
      return wrongObject(await on.stored(name), result, fault, bytes, before)
    },
  }
}

/** The end of an upload one part of which is refused for good. */
export function failedEnd<S extends string>(on: Ground<S>, part: number): PlanPart<S> {
  const { run } = WRITES.stream
  const bytes = bytesOf(WRITES.stream, part)
  return {
    title: 'the end of an upload that failed',
    expected: () => 'fails',
    codes: () => ['permission_denied'],
    staysOpen: (fault, mode) => mode === 'always' && fault.work === 'none',
    work: (files, prefix) => run(files, `${prefix}new`, bytes, on, {}),
    wrong: async ({ prefix }) => {
      return (await on.stored(`${prefix}new`)) === undefined ? undefined : 'there is an object'
    },
  }
}
