import { realpath } from 'node:fs/promises'
import type { Command } from 'commander'
import type { StaticFiles } from '../../static/static-files.ts'
import type { StaticFile } from '../../static/types.ts'
import type { CliContext } from '../context.ts'
import { allowVerbosity, verbosityOf } from '../options.ts'
import { printable } from '../output.ts'

interface FindstaticOptions {
  readonly first?: boolean
  readonly verbosity: string
}

/** `holdall findstatic`: prints the paths of a static file's sources on this machine. (Django `findstatic`) */
export function findstatic(program: Command, context: CliContext): void {
  const command = program
    .command('findstatic')
    .description('show where static files are collected from')
    .argument('<names...>', 'names of static files')
    .option('--first', 'only the file that is collected')
  allowVerbosity(command).action((names: string[], options: FindstaticOptions) => find(context, names, options))
}

async function find(context: CliContext, names: readonly string[], options: FindstaticOptions): Promise<void> {
  const { out } = context
  const verbosity = verbosityOf(options.verbosity, out.quiet)
  await context.storages()
  const { staticFilesFromSettings } = await import('../../static/index.ts')
  const files = await context.configured(() => staticFilesFromSettings())
  const locations = [...new Set(files.finders.flatMap(finder => finder.locations))]
  const searched = verbosity < 2 ? '' : `\nLooking in the following locations:${listed(locations)}`
  for (const name of names) {
    const paths = await found(files, name, options.first === true)
    if (out.json) await out.record({ name, paths, ...(verbosity >= 2 && { locations }) }, '')
    else if (paths.length > 0 && verbosity === 0) await out.line(paths.map(printable).join('\n'))
    else if (paths.length > 0) await out.line(`Found '${printable(name)}' here:${listed(paths)}${searched}`)
    if (paths.length > 0) continue
    context.exitCode = 1
    if (!out.json && verbosity >= 1) {
      out.log(`No matching file found for '${printable(name)}'.${searched && `\n${searched}`}`)
    }
  }
}

/** Returns the paths of the files of a name, with links resolved. */
async function found(files: StaticFiles, name: string, isFirst: boolean): Promise<string[]> {
  const all = isFirst ? [await files.find(name)] : await files.findAll(name)
  return Promise.all(all.filter(file => file !== undefined).map(placeOf))
}

function placeOf({ path, origin }: StaticFile): string | Promise<string> {
  return path === undefined ? origin : realpath(path).catch(() => path)
}

function listed(texts: readonly string[]): string {
  return texts.map(text => `\n  ${printable(text)}`).join('')
}
