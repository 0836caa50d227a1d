/** Processes that tests start: how one ended is told with its code, signal and what it printed, at once and not after a time-out. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'

/** Where programs of the tests keep what they have compiled: one that is run from `src` begins in a third of the time. */
const COMPILED = join(import.meta.dirname, '../../node_modules/.cache/holdall-tests-compiled')

/** The environment of the tests, for a program that keeps what it has compiled. */
export function compilingOnce(): NodeJS.ProcessEnv {
  return { NODE_COMPILE_CACHE: COMPILED, ...process.env }
}

/** How a process ended, with all that it printed. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Its standard output as it came. */
  readonly bytes: Buffer
}

/** How a process is started. */
export interface ChildOptions {
  readonly cwd?: string | undefined
  /** The whole environment; default that of the tests. */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Written to its standard input, which is then ended; without it the input stays open. */
  readonly input?: string | Uint8Array | undefined
  /** Milliseconds after which it is killed; default 50,000, less than the tests wait. */
  readonly timeoutMs?: number | undefined
}

/** A process that did not do what was expected of it. */
export class ChildError extends Error {
  readonly ended: Ended

  constructor(what: string, command: string, ended: Ended) {
    const { code, signal, stdout, stderr } = ended
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`
    super(`${command}: ${what}; ${how}\n--- stderr\n${end(stderr)}\n--- stdout\n${end(stdout)}`)
    this.name = 'ChildError'
    this.ended = ended
  }
}

/** The end of a long text. */
function end(text: string, most = 4000): string {
  return text.length <= most ? text.trimEnd() : `... ${text.slice(-most).trimEnd()}`
}

/** A running process. */
export class Child {
  readonly process: ChildProcessWithoutNullStreams
  /**
   * Resolves however it ended by itself, once all that it printed is read; rejects when it could not be started, and with a
   * `ChildError` when it had to be killed for the time that it took.
   */
  readonly ended: Promise<Ended>
  readonly #command: string
  readonly #watchers = new Set<() => void>()
  readonly #bytes: Buffer[] = []
  #stdout = ''
  #stderr = ''

  constructor(program: string, parameters: readonly string[], options: ChildOptions = {}) {
    const { cwd, env = compilingOnce(), input, timeoutMs = 50_000 } = options
    this.#command = [program, ...parameters].join(' ').slice(0, 300)
    const child = spawn(program, parameters, { cwd, env, stdio: 'pipe' })
    this.process = child
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, timeoutMs)
    // A process outlives no run of the tests.
    const kill = (): void => void child.kill('SIGKILL')
    process.once('exit', kill)
    child.stdin.on('error', () => {})
    const decoder = new TextDecoder()
    child.stdout.on('data', (chunk: Buffer) => {
      this.#bytes.push(chunk)
      this.#stdout += decoder.decode(chunk, { stream: true })
      for (const look of this.#watchers) look()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      for (const look of this.#watchers) look()
    })
    this.ended = new Promise((resolve, reject) => {
      child.once('error', error => {
        if (child.pid === undefined) reject(error)
        else this.#stderr += `${error}\n`
      })
      child.once('close', (code, signal) => {
        clearTimeout(timer)
        process.off('exit', kill)
        const ended = { code, signal, stdout: this.#stdout, stderr: this.#stderr, bytes: Buffer.concat(this.#bytes) }
        if (isLate) reject(new ChildError(`it did not end within ${timeoutMs} ms`, this.#command, ended))
        else resolve(ended)
      })
    })
    this.ended.catch(() => {})
    if (input !== undefined) child.stdin.end(input)
  }

  /** What it has printed so far. */
  get stdout(): string {
    return this.#stdout
  }

  /** Resolves with its standard output as soon as that matches; rejects with a `ChildError` when it ends before. */
  printed(expected: RegExp): Promise<RegExpExecArray> {
    return this.#seen('print', expected, () => this.#stdout)
  }

  /** Resolves with its standard error as soon as that matches; rejects with a `ChildError` when it ends before. */
  complained(expected: RegExp): Promise<RegExpExecArray> {
    return this.#seen('complain', expected, () => this.#stderr)
  }

  /** Looks again and again until something holds; rejects with a `ChildError` when the process ends before. */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    let ended: Ended | undefined
    const watched = this.ended.then(how => {
      ended = how
    })
    watched.catch(() => {})
    for (;;) {
      const isOver = ended !== undefined
      if (await holds()) return
      if (isOver && ended !== undefined) throw new ChildError(`it ended before ${what}`, this.#command, ended)
      await Promise.race([watched, new Promise(resolve => setImmediate(resolve))])
    }
  }

  async #seen(verb: string, expected: RegExp, text: () => string): Promise<RegExpExecArray> {
    const { promise, resolve } = Promise.withResolvers<RegExpExecArray>()
    const look = (): void => {
      const found = expected.exec(text())
      if (found !== null) resolve(found)
    }
    this.#watchers.add(look)
    look()
    const never = this.ended.then(ended => {
      look()
      throw new ChildError(`it ended and did not ${verb} ${expected}`, this.#command, ended)
    })
    never.catch(() => {})
    try {
      return await Promise.race([promise, never])
    } finally {
      this.#watchers.delete(look)
    }
  }

  /** Resolves when it ended with this exit code, default 0; rejects with a `ChildError` when it ended otherwise. */
  async done(code = 0): Promise<Ended> {
    const ended = await this.ended
    if (ended.code === code) return ended
    throw new ChildError(`it should have ended with exit code ${code}`, this.#command, ended)
  }

  /** Ends it by a signal and waits for its end. */
  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal)
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL').catch(() => {})
  }
}

/** Runs a program to its end; rejects with a `ChildError` unless it ends with exit code 0. */
export function runChild(program: string, parameters: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return new Child(program, parameters, { input: '', ...options }).done()
}

/** Runs a script with this Node to its end; rejects with a `ChildError` unless it ends with exit code 0. */
export function runNode(parameters: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return runChild(process.execPath, parameters, options)
}
