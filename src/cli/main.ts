import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { Command, CommanderError } from 'commander'
import { isStorageError } from '../core/errors.ts'
import { cat } from './commands/cat.ts'
import { check } from './commands/check.ts'
import { completion } from './commands/completion.ts'
import { cp } from './commands/cp.ts'
import { du } from './commands/du.ts'
import { get } from './commands/get.ts'
import { init } from './commands/init.ts'
import { ls } from './commands/ls.ts'
import { mv } from './commands/mv.ts'
import { put } from './commands/put.ts'
import { rm } from './commands/rm.ts'
import { serve } from './commands/serve.ts'
import { settings } from './commands/settings.ts'
import { stat } from './commands/stat.ts'
import { url } from './commands/url.ts'
import { CliContext, UsageError } from './context.ts'
import { packageRoot } from './package-root.ts'

const REGISTRATIONS = [serve, ls, cat, put, get, cp, mv, rm, stat, url, du, check, settings, init, completion]
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/** The whole command line and what its commands share. */
export function createProgram(): { readonly program: Command; readonly context: CliContext } {
  const program = new Command('holdall')
  const context = new CliContext(program)
  program
    .description('File storages by name: list, copy, serve and check them. A place is written alias:path.')
    .version(version(), '-V, --version', 'show the version')
    .option('--json', 'results as JSON: one document, or one line per entry of a list')
    .option('--quiet', 'no messages, only results')
    .option('--dry-run', 'say what would be done and do nothing')
    .option('--config <file>', 'this configuration instead of holdall.config.* in this folder or above')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help of a command')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .hook('preAction', () => {
      context.out.json = context.options.json === true
      context.out.quiet = context.options.quiet === true
    })
  for (const register of REGISTRATIONS) register(program, context)
  for (const command of program.commands) command.exitOverride()
  return { program, context }
}

/** Runs a command line and sets the exit code: 0 done, 1 failed, 2 not understood, 130 interrupted. */
export async function main(argv: readonly string[]): Promise<void> {
  const { program, context } = createProgram()
  ignoreBrokenPipe()
  let stoppedBy: keyof typeof SIGNAL_CODES | undefined
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stoppedBy !== undefined) process.exit(SIGNAL_CODES[stoppedBy])
      stoppedBy = name
      context.stop(new Error(`stopped by ${name}`))
    })
  }
  try {
    await program.parseAsync(argv)
    process.exitCode = context.exitCode
  } catch (error) {
    process.exitCode = stoppedBy === undefined ? report(error, context) : SIGNAL_CODES[stoppedBy]
  } finally {
    await context.close().catch((error: unknown) => report(error, context))
    if (stoppedBy !== undefined) process.exitCode = SIGNAL_CODES[stoppedBy]
    process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM')
  }
}

function report(error: unknown, { out }: CliContext): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  const message = error instanceof Error ? error.message : String(error)
  if (out.json) {
    const value = isStorageError(error) ? error.toJSON() : { name: (error as Error).name, message }
    process.stderr.write(`${JSON.stringify({ error: value })}\n`)
  } else {
    process.stderr.write(`${styleText('red', 'holdall:', { stream: process.stderr })} ${message}\n`)
  }
  return error instanceof UsageError ? 2 : 1
}

/** A reader that has enough (`| head`) ends the program without noise. */
function ignoreBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      process.exit(error.code === 'EPIPE' ? 0 : 1)
    })
  }
}

function version(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8')
  return String((JSON.parse(text) as { version?: unknown }).version)
}
