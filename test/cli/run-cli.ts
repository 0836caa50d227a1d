import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

const BIN = join(import.meta.dirname, '../../src/cli/bin.ts')

/** What a finished command line gave. */
export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly bytes: Buffer
}

/** Starts the command line in its own process, with nothing of this environment but PATH. */
export function startCli(cwd: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', BIN, ...args], {
    cwd,
    stdio: 'pipe',
    ...options,
    env: { PATH: process.env['PATH'], NODE_DISABLE_COMPILE_CACHE: '1', ...options.env },
  })
}

/** Runs the command line to its end. */
export async function runCli(
  cwd: string,
  args: readonly string[],
  input: string | Uint8Array = '',
): Promise<CliResult> {
  const child = startCli(cwd, args)
  child.stdin!.on('error', () => {})
  child.stdin!.end(input)
  const [stdout, stderr, [code]] = await Promise.all([
    buffer(child.stdout!),
    buffer(child.stderr!),
    once(child, 'close'),
  ])
  return { code: code as number | null, stdout: stdout.toString(), stderr: stderr.toString(), bytes: stdout }
}
