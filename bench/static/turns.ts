import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Command } from './place.ts'

const run = promisify(execFile)
const MIB = 1024 * 1024

/** What a process took. */
export interface Taken {
  readonly wallMs: number
  /** User and system time, threads included. */
  readonly cpuMs: number
  /** What it printed. */
  readonly printed: string
}

/** Variables that would change how a client reaches a gateway on loopback. */
const LEFT_OUT = /^(AWS_|REQUESTS_CA_BUNDLE$|HTTPS?_PROXY$|NO_PROXY$|HOLDALL_)/i

/** Runs a command to its end; throws when it fails, with what it printed. */
export async function timed({ program, words, env = {}, input = '', cwd }: Command): Promise<Taken> {
  const kept = Object.entries(process.env).filter(([name]) => !LEFT_OUT.test(name))
  const options = { maxBuffer: 64 * MIB, env: { ...Object.fromEntries(kept), ...env }, cwd }
  const start = performance.now()
  const running = run('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$@"', program, program, ...words], options)
  running.child.stdin!.end(input)
  const { stdout, stderr } = await running
  const wallMs = performance.now() - start
  const times = /([\d.]+) ([\d.]+)\n$/.exec(stderr)!
  return { wallMs, cpuMs: 1000 * (Number(times[1]) + Number(times[2])), printed: stdout + stderr }
}
