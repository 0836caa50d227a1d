/** Daemons that belong together and run in the foreground, with one temporary folder; they end when this process does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'

/** How a daemon is started. */
export interface DaemonOptions {
  /** Default: that of the tests. */
  readonly env?: NodeJS.ProcessEnv
  /** Name of its log; default that of the program. */
  readonly title?: string
}

/** Daemons and their folder. */
export class DaemonGroup {
  readonly folder: string
  readonly #daemons: ChildProcess[] = []
  readonly #killAll = (): void => {
    for (const child of this.#daemons) child.kill('SIGKILL')
  }

  /** Makes a folder that starts with these letters. */
  static async make(prefix: string): Promise<DaemonGroup> {
    return new DaemonGroup(await mkdtemp(join(tmpdir(), prefix)))
  }

  private constructor(folder: string) {
    this.folder = folder
    process.once('exit', this.#killAll)
  }

  /** Process ids of all daemons. */
  get pids(): number[] {
    return this.#daemons.map(child => child.pid ?? 0)
  }

  /** Starts a daemon in the foreground; what it prints goes to a file of the folder. */
  start(program: string, parameters: readonly string[], options: DaemonOptions = {}): void {
    const { env = process.env, title = basename(program) } = options
    const log = openSync(join(this.folder, `${title}.out`), 'a')
    // A process that is killed runs no handlers: the kernel ends the daemon with it. (setpriv(1), prctl(2))
    const words = ['--pdeathsig', 'KILL', program, ...parameters]
    const child = spawn('setpriv', words, { env, stdio: ['ignore', log, log] })
    closeSync(log)
    child.once('error', () => {})
    this.#daemons.push(child)
  }

  /** Ends all daemons by a signal, and waits until they are gone; others can be started in the same folder. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    for (const child of this.#daemons.splice(0)) {
      child.kill(signal)
      await endProcess(child)
    }
  }

  /** Throws when a daemon has ended. */
  check(): void {
    const dead = this.#daemons.find(child => child.exitCode !== null || child.signalCode !== null)
    if (dead === undefined) return
    throw new Error(`${dead.spawnargs.slice(3, 6).join(' ')} ended with ${dead.exitCode ?? dead.signalCode}`)
  }

  /** Asks every 100 ms whether all is there; throws when a daemon ends, or after this many seconds. */
  async until(what: string, isReady: () => Promise<boolean>, secs = 120): Promise<void> {
    for (let left = secs * 10; !(await isReady()); left--) {
      this.check()
      if (left <= 0) throw new Error(`${what} does not answer`)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  /** The ends of all logs. */
  async logs(): Promise<string> {
    const names = (await readdir(this.folder)).filter(name => /\.(out|log)$/.test(name)).sort()
    const texts = await Promise.all(
      names.map(async name => {
        const text = await readFile(join(this.folder, name), 'utf8').catch(String)
        return `--- ${name}\n${text.slice(-2000).trimEnd()}`
      }),
    )
    return texts.join('\n')
  }

  /** Closes after a failed start, and returns the error with the ends of all logs. */
  async failed(error: unknown): Promise<Error> {
    const logs = await this.logs()
    await this.close()
    return new Error(`${error instanceof Error ? error.message : error}\n${logs}`)
  }

  async close(): Promise<void> {
    for (const child of this.#daemons.toReversed()) await endProcess(child)
    process.off('exit', this.#killAll)
    await rm(this.folder, { recursive: true, force: true })
  }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  if (!child.killed) child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(late)
}
