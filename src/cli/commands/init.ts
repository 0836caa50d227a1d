import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { BACKENDS, type BackendStart } from '../../config/backend-table.ts'
import { CONFIG_FILES } from '../../config/load.ts'
import { StorageError } from '../../core/errors.ts'
import { type CliContext, UsageError } from '../context.ts'
import { LocalFolder } from '../local-folder.ts'

interface InitOptions {
  readonly backend: string
  readonly format: string
  readonly force?: boolean
}

/** The backends for which `init` writes a configuration. */
const STARTS: ReadonlyMap<string, BackendStart> = new Map(
  BACKENDS.flatMap(({ name, start }) => (start === undefined ? [] : [[name, start] as const])),
)

/** `holdall init`: writes a first configuration file. */
export function init(program: Command, context: CliContext): void {
  program
    .command('init')
    .description('write a first holdall.config file')
    .option('--backend <name>', [...STARTS.keys()].join(', '), 'local')
    .option('--format <ext>', 'ts, js or json', 'ts')
    .option('--force', 'replace an existing file')
    .action((options: InitOptions) => writeConfig(context, options))
}

async function writeConfig(context: CliContext, options: InitOptions): Promise<void> {
  const { out } = context
  const start = STARTS.get(options.backend)
  if (start === undefined) throw new UsageError(`--backend: expected one of ${[...STARTS.keys()].join(', ')}.`)
  if (!['ts', 'js', 'json'].includes(options.format)) throw new UsageError('--format: expected ts, js or json.')
  const file = context.options.config ?? `holdall.config.${options.format}`
  if (!/\.(m?[jt]s|json)$/.test(file))
    throw new UsageError(`--config: '${file}' must end in .ts, .mts, .js, .mjs or .json.`)
  const storages = {
    default: { BACKEND: options.backend, OPTIONS: start.options },
    staticfiles: { BACKEND: 'static' },
  }
  const settings = { STORAGES: storages, STATIC_ROOT: './static', STATIC_URL: '/static/' }
  const text = file.endsWith('.json') ? `${JSON.stringify(settings, undefined, 2)}\n` : sourceText(settings, file)
  if (context.options.dryRun === true) {
    await out.line(text.trimEnd())
    return out.log(`would write ${file}`)
  }
  await write(resolve(file), text, options.force === true, context.signal)
  await out.document({ file: resolve(file), backend: options.backend, environment: start.env })
  out.log(`wrote ${file}`)
  if (start.env.length > 0) out.log(`put ${start.env.join(' and ')} into the environment or into .env`)
  out.log("next: 'holdall check'")
}

/** Writes the file, unless a configuration exists, also under another of the supported names. */
async function write(path: string, text: string, force: boolean, signal: AbortSignal): Promise<void> {
  const rivals = CONFIG_FILES.map(name => join(dirname(path), name))
  const present = [path, ...(rivals.includes(path) ? rivals : [])].find(name => existsSync(name))
  if (present !== undefined && !(force && present === path)) {
    const advice = force || present !== path ? 'remove it first' : 'use --force to replace it'
    throw new StorageError('exists', `${present} exists; ${advice}.`)
  }
  // The command line runs no configuration that other users may write to, whatever the umask is.
  const folder = new LocalFolder(dirname(path), 0o644 & ~process.umask())
  await folder.write(
    basename(path),
    async function* () {
      yield Buffer.from(text)
    },
    { overwrite: force, signal },
  )
}

function sourceText(settings: unknown, file: string): string {
  const value = JSON.stringify(settings, undefined, 2)
    .replace(/"([A-Za-z_]+)":/g, '$1:')
    .replaceAll('"', "'")
  const comment = /\.m?js$/.test(file) ? '// @ts-check\n' : ''
  return `${comment}import { defineConfig } from 'holdall'\n\nexport default defineConfig(${value})\n`
}
