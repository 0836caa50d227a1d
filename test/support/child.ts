/** Processes that tests start: how one ended is told with its code, signal and what it printed, at once and not after a time-out. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'

/** How a process ended, with all that it printed. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** How a process is started. */
export interface ChildOptions {
  readonly cwd?: string | undefined
  /** The whole environment; default that of the tests. */
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Written to its standard input, which is then ended; without it the input stays open. */
  readonly input?: string | undefined
  /** Milliseconds after which it is killed; default 50,000, less than the tests wait. */
  readonly timeoutMs?: number | undefined
  /** A signal that kills it. */
  readonly abort?: AbortSignal | undefined
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
  /** Resolves when it has ended and all that it printed is read; rejects only if it could not be started. */
  readonly ended: Promise<Ended>
  readonly #command: string
  readonly #watchers = new Set<() => void>()
  #stdout = ''
  #stderr = ''
  #late: string | undefined

  constructor(program: string, parameters: readonly string[], options: ChildOptions = {}) {
    const { cwd, env = process.env, input, timeoutMs = 50_000, abort } = options
    this.#command = [program, ...parameters].join(' ').slice(0, 300)
    const child = spawn(program, parameters, { cwd, env, stdio: 'pipe', signal: abort })
    this.process = child
    const timer = setTimeout(() => {
      this.#late = `it did not end within ${timeoutMs} ms`
      child.kill('SIGKILL')
    }, timeoutMs)
    // A process outlives no run of the tests.
    const kill = (): void => void child.kill('SIGKILL')
    process.once('exit', kill)
    child.stdin.on('error', () => {})
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      for (const look of this.#watchers) look()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.ended = new Promise((resolve, reject) => {
      child.once('error', error => {
        this.#stderr += `${error}\n`
        if (child.pid === undefined) reject(error)
      })
      child.once('close', (code, signal) => {
        clearTimeout(timer)
        process.off('exit', kill)
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr })
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
  async printed(expected: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve } = Promise.withResolvers<RegExpExecArray>()
    const look = (): void => {
      const found = expected.exec(this.#stdout)
      if (found !== null) resolve(found)
    }
    this.#watchers.add(look)
    look()
    const never = this.ended.then(ended => {
      look()
      throw new ChildError(this.#late ?? `it ended and did not print ${expected}`, this.#command, ended)
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
    if (this.#late === undefined && ended.code === code) return ended
    throw new ChildError(this.#late ?? `it should have ended with exit code ${code}`, this.#command, ended)
  }

  /** Ends it by a signal and waits for its end. */
  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal)
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL')
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
