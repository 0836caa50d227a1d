import { join } from 'node:path'
import { builtPackage } from '../support/built.ts'
import { Child, type Ended } from '../support/child.ts'

const BUILT = await builtPackage()
const BIN = join(BUILT, 'dist/cli/bin.js')

/** Starts the command line, as it is built, in its own process, with nothing of this environment but PATH; what it compiles is kept for the next one. */
export function startCli(
  cwd: string,
  args: readonly string[],
  { env, input }: { readonly env?: NodeJS.ProcessEnv; readonly input?: string | Uint8Array } = {},
): Child {
  return new Child(process.execPath, ['--disable-warning=ExperimentalWarning', BIN, ...args], {
    cwd,
    input,
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(BUILT, '.compiled'), ...env },
  })
}

/** Runs the command line to its end, whatever its exit code. */
export function runCli(cwd: string, args: readonly string[], input: string | Uint8Array = ''): Promise<Ended> {
  return startCli(cwd, args, { input }).ended
}
