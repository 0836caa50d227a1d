import fs from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

type Calls = typeof fs.promises
type Call = (...call: unknown[]) => Promise<unknown>
/** Stands between the storage and the system: may do something first, or throw instead. */
export type Between = (...call: unknown[]) => unknown

function replace(owner: Record<string, Call>, name: string, between: Between): () => void {
  const real = owner[name]!
  owner[name] = async function (this: unknown, ...call) {
    await between.apply(this, call)
    return real.apply(this, call)
  }
  return () => {
    owner[name] = real
  }
}

/** Runs `between` before each call of a function of `node:fs/promises`, until it is disposed of. */
export function before(name: keyof Calls, between: Between): Disposable {
  const restore = replace(fs.promises as unknown as Record<string, Call>, name, between)
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]() {
      restore()
      syncBuiltinESMExports()
    },
  }
}

/** The same for a method of open files; files that are opened before are not meant with `close`. */
export async function beforeOnHandles(name: keyof FileHandle, between: Between): Promise<Disposable> {
  if (name === 'close') return beforeClosing(between)
  const probe = await open('/', 'r')
  const handles = Object.getPrototypeOf(probe) as Record<string, Call>
  await probe.close()
  return { [Symbol.dispose]: replace(handles, name as string, between) }
}

/** Each open file has a `close` of its own. */
function beforeClosing(between: Between): Disposable {
  const real = fs.promises.open
  fs.promises.open = async (...call) => {
    const handle = await real(...call)
    const close = handle.close.bind(handle)
    handle.close = async () => {
      try {
        await between.call(handle)
      } finally {
        // One that fails has closed the descriptor all the same. (close(2), Linux)
        await close()
      }
    }
    return handle
  }
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]() {
      fs.promises.open = real
      syncBuiltinESMExports()
    },
  }
}

/** An error as the system gives it. */
export function systemError(code: string, description = 'injected', syscall = 'write'): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${description}, ${syscall}`), { code, syscall })
}

/** The warnings of the process while `work` runs. */
export async function warningsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = []
  const note = ({ message }: Error): void => void warnings.push(message)
  process.on('warning', note)
  try {
    await work()
    // A warning is given in the next turn.
    await new Promise(setImmediate)
  } finally {
    process.off('warning', note)
  }
  return warnings
}
