import { type ChildProcess, fork } from 'node:child_process'
import { resolve } from 'node:path'
import type { BenchService } from './service.ts'

/** Work for one contender: `times` are requests, the bytes of a large body, or the keys of a list. */
export interface Task {
  readonly operation: 'put' | 'get' | 'head' | 'up' | 'down' | 'list'
  readonly times: number
  /** The file that a large body is read from; memory, which costs the source nothing, where there is none. */
  readonly file?: string | undefined
}

/** What it took in the client's process alone. */
export interface Taken {
  readonly wallMs: number
  /** User and system time, threads included. */
  readonly cpuMs: number
  /** With the contender loaded, before its first work. */
  readonly baseRssMib: number
  /** The highest of the whole life of the process. */
  readonly peakRssMib: number
}

/** What the command line says of one part. */
export interface Choice {
  /** Text that the names of those contenders contain that are measured; the baseline always is. */
  readonly wanted: string
  readonly isTls: boolean
}

/** The names of the contenders that are chosen, and that of the baseline. */
export function chosen({ contenders }: BenchService, { wanted }: Choice): readonly string[] {
  return Object.keys(contenders).filter((name, index) => index === 0 || name.includes(wanted))
}

/** Where a sink is. */
export interface SinkPlace {
  readonly endpoint: string
  /** The file with the certificate of one that speaks TLS. */
  readonly ca?: string | undefined
}

/** A server in a process of its own. */
export interface Sink extends SinkPlace {
  stop(): void
}

/** Starts the sink of a service; `--awake` keeps it from sleeping, at the price of one core. */
export async function startSink({ name }: BenchService, ...options: ReadonlyArray<'--awake' | '--tls'>): Promise<Sink> {
  const child = fork(resolve(import.meta.dirname, `../${name}/sink.ts`), options, { execArgv: [] })
  const place = (await message(child)) as SinkPlace
  return { ...place, stop: () => child.disconnect() }
}

/** One contender in a process of its own. */
export class Member {
  readonly name: string
  readonly #child: ChildProcess

  private constructor(name: string, child: ChildProcess) {
    this.name = name
    this.#child = child
  }

  /** Starts the process and waits until the contender is loaded. */
  static async start(service: BenchService, name: string, { endpoint, ca }: SinkPlace): Promise<Member> {
    // The one setting by which all of them trust it.
    const env = ca === undefined ? process.env : { ...process.env, NODE_EXTRA_CA_CERTS: ca }
    const options = { execArgv: [], env }
    const child = fork(resolve(import.meta.dirname, 'worker.ts'), [service.name, name, endpoint], options)
    await message(child)
    return new Member(name, child)
  }

  async run(task: Task): Promise<Taken> {
    const answer = message(this.#child)
    this.#child.send(task)
    const taken = (await answer) as Taken & { failure?: string }
    if (taken.failure !== undefined) throw new Error(`${this.name}, ${task.operation}: ${taken.failure}`)
    return taken
  }

  stop(): void {
    this.#child.disconnect()
  }
}

function message(child: ChildProcess): Promise<unknown> {
  return new Promise((done, fail) => {
    const ended = (): void => fail(new Error(`The process of ${child.spawnargs.slice(1).join(' ')} ended.`))
    child.once('exit', ended)
    child.once('message', answer => {
      child.off('exit', ended)
      done(answer)
    })
  })
}
