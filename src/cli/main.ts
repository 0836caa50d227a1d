import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { cat } from './commands/cat.ts'
import { check } from './commands/check.ts'
import { collectstatic } from './commands/collectstatic.ts'
import { completion } from './commands/completion.ts'
import { containers } from './commands/containers.ts'
import { cp } from './commands/cp.ts'
import { du } from './commands/du.ts'
import { findstatic } from './commands/findstatic.ts'
import { get } from './commands/get.ts'
import { init } from './commands/init.ts'
import { ls } from './commands/ls.ts'
import { migrate } from './commands/migrate.ts'
import { mv } from './commands/mv.ts'
import { orphans } from './commands/orphans.ts'
import { put } from './commands/put.ts'
import { rm } from './commands/rm.ts'
import { serve } from './commands/serve.ts'
import { settings } from './commands/settings.ts'
import { stat } from './commands/stat.ts'
import { sync } from './commands/sync.ts'
import { url } from './commands/url.ts'
import { CliContext, UsageError } from './context.ts'
import { packageRoot } from './package-root.ts'

const REGISTRATIONS = [
  serve,
  ls,
  cat,
  put,
  get,
  cp,
  mv,
  sync,
  migrate,
  rm,
  stat,
  url,
  du,
  containers,
  orphans,
  collectstatic,
  findstatic,
  check,
  settings,
  init,
  completion,
]
/** Exit codes for commands that are ended from outside. A reader that closes the pipe (`| head`) is no failure. */
const STOPPED = { SIGINT: 130, SIGTERM: 143, EPIPE: 0 } as const

/** Returns the whole command line and the common state of its commands. */
export function createProgram(): { readonly program: Command; readonly context: CliContext } {
  const program = new Command('holdall')
  const context = new CliContext(program)
  program
    .description('File storages by name: list, copy, serve and check them. A place is written alias:path.')
    .version(version(), '-V, --version', 'show the version')
    .option('--json', 'results as JSON: one document, or one line per entry of a list')
    .option('--quiet', 'no messages, only results')
    .option('--dry-run', 'report the changes without making them')
    .option('--config <file>', 'use this configuration instead of holdall.config.* in this folder or above')
    .option('--env-file <file>', 'use this file of variables instead of the .env beside the configuration')
    .option('--verbose', 'report which configuration is used, and print each file also on a terminal')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help of a command')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(usageError(text, program)) })
    .hook('preAction', () => {
      context.out.json = context.options.json === true
      context.out.quiet = context.options.quiet === true
    })
  for (const register of REGISTRATIONS) register(program, context)
  return { program, context }
}

/** Runs a command line and sets the exit code: 0 done, 1 failed, 2 invalid command line, 130 interrupted. */
export async function main(argv: readonly string[]): Promise<void> {
  const { program, context } = createProgram()
  let stoppedBy: keyof typeof STOPPED | undefined
  const stop = (name: keyof typeof STOPPED) => {
    if (stoppedBy === undefined) context.stop(new Error(`stopped by ${name}`))
    else if (name !== 'EPIPE') {
      reportInterrupt(stoppedBy, context)
      process.exit(STOPPED[stoppedBy])
    }
    stoppedBy ??= name
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop(name))
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') stop('EPIPE')
      else process.exit(1)
    })
  }
  showWarnings(context)
  try {
    await program.parseAsync(argv)
    process.exitCode = context.exitCode
  } catch (error) {
    process.exitCode = stoppedBy === undefined ? report(error, context) : STOPPED[stoppedBy]
  } finally {
    await context.close().catch((error: unknown) => report(error, context))
    if (stoppedBy !== undefined) {
      process.exitCode = STOPPED[stoppedBy]
      reportInterrupt(stoppedBy, context)
    }
    process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM')
  }
}

/** Reports the progress until Ctrl-C. A reader that closes the pipe is no interruption. */
function reportInterrupt(stoppedBy: keyof typeof STOPPED, { out, progressText }: CliContext): void {
  if (stoppedBy !== 'EPIPE' && progressText !== undefined) out.interrupted(progressText)
}

function report(error: unknown, { out }: CliContext): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  out.error(error)
  return error instanceof UsageError ? 2 : 1
}

/** Converts commander's text for a wrong command line to the words and the form of Holdall's errors; no option applies yet. */
function usageError(text: string, program: Command): string {
  const message = text
    .trim()
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replace(/\n\(Did you mean (.*)\?\)$/, " (did you mean '$1'?)")
  if (process.argv.includes('--json')) return `${JSON.stringify({ error: { name: 'UsageError', message } })}\n`
  if (!text.startsWith('error: ')) return text
  const command = process.argv.slice(2).find(word => program.commands.some(each => each.name() === word))
  return `holdall: ${message}; see 'holdall ${command === undefined ? '' : `${command} `}--help'\n`
}

/** Prints warnings in Holdall's form; Node's advice about the format of a working configuration file is left out. */
function showWarnings({ out }: CliContext): void {
  if (process.listenerCount('warning') === 0) return
  process.removeAllListeners('warning').on('warning', (warning: Error & { readonly code?: string }) => {
    if (warning.code !== 'MODULE_TYPELESS_PACKAGE_JSON' && warning.name !== 'ExperimentalWarning')
      out.warn(warning.message)
  })
}

function version(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8')
  return String((JSON.parse(text) as { version?: unknown }).version)
}
