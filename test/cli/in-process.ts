/** Runs of the command line in this process: what is printed, also as on a terminal, and how it ends. */
import { stripVTControlCharacters } from 'node:util'
import { vi } from 'vitest'
import { main } from '../../src/cli/main.ts'

/** How a run of a test goes. */
export interface InProcess {
  /** Whether stdout and stderr are terminals. */
  readonly isTerminal?: boolean
  /** Called with what was printed so far, after each write. */
  readonly onWrite?: (text: string) => void
}

/** What a run printed. */
export interface Printed {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const STOPS: readonly string[] = ['SIGINT', 'SIGTERM', 'warning']

/** Runs the command line in a folder to its end. One at a time. */
export async function inProcess(folder: string, args: readonly string[], options: InProcess = {}): Promise<Printed> {
  const { isTerminal = false, onWrite } = options
  const written = { stdout: '', stderr: '' }
  const before = process.cwd()
  const listeners = STOPS.map(name => [name, process.listeners(name as 'SIGINT')] as const)
  const exitCode = process.exitCode
  const streams = (['stdout', 'stderr'] as const).map(name => {
    const spy = vi.spyOn(process[name], 'write').mockImplementation(text => {
      written[name] += String(text)
      onWrite?.(stripVTControlCharacters(String(text)))
      return true
    })
    const isTTY = Object.getOwnPropertyDescriptor(process[name], 'isTTY')
    Object.defineProperty(process[name], 'isTTY', { value: isTerminal, configurable: true })
    return () => {
      spy.mockRestore()
      if (isTTY === undefined) Reflect.deleteProperty(process[name], 'isTTY')
      else Object.defineProperty(process[name], 'isTTY', isTTY)
      process[name].removeAllListeners('error')
    }
  })
  vi.stubEnv('CI', undefined)
  process.chdir(folder)
  try {
    await main([process.execPath, 'holdall', ...args])
    const code = Number(process.exitCode ?? 0)
    return { code, stdout: stripVTControlCharacters(written.stdout), stderr: stripVTControlCharacters(written.stderr) }
  } finally {
    process.chdir(before)
    vi.unstubAllEnvs()
    process.exitCode = exitCode
    for (const restore of streams) restore()
    for (const [name, each] of listeners) {
      process.removeAllListeners(name)
      for (const listener of each) process.on(name, listener as never)
    }
  }
}
