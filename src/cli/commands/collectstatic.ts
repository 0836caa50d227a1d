import type { Command } from 'commander'
import { runCollect } from '../collect-run.ts'
import type { CliContext } from '../context.ts'
import { allowVerbosity, concurrencyOf, verbosityOf, wholeNumberOf } from '../options.ts'

interface CollectstaticOptions {
  readonly noinput?: boolean
  /** False with `--no-input`. */
  readonly input: boolean
  readonly postProcess: boolean
  readonly ignore?: readonly string[]
  /** `-n`: its long form is a global option. */
  readonly n?: boolean
  readonly clear?: boolean
  readonly link?: boolean
  readonly defaultIgnore: boolean
  readonly verbosity: string
  readonly concurrency: string
  readonly deleteStale?: boolean
  readonly keep?: string
  readonly modifiedTime?: boolean
}

/** `holdall collectstatic`: copies static files from their sources to the storage that serves them. (Django `collectstatic`) */
export function collectstatic(program: Command, context: CliContext): void {
  const command = program
    .command('collectstatic')
    .description('collect static files in a storage')
    .argument('[alias]', 'the storage', 'staticfiles')
    .option('--noinput', 'do not ask for confirmation')
    .option('--no-input', 'the same')
    .option('--no-post-process', 'make no hashed names and no manifest')
    .option('-i, --ignore <pattern>', 'leave out files and folders that match; may be repeated', repeated)
    .option('-n', 'the same as --dry-run')
    .option('-c, --clear', 'delete everything in the storage first')
    .option('-l, --link', 'make symbolic links instead of copies')
    .option('--no-default-ignore', "also collect files that match 'CVS', '.*' and '*~'")
    .option('--concurrency <n>', 'files at once', '16')
    .option('--delete-stale', 'delete files of former runs whose sources are gone')
    .option(
      '--keep <n>',
      'former deploys whose hashed files stay, older ones are deleted (default: all, 1 with --delete-stale)',
    )
    .option('--modified-time', 'compare files by their modified times, like Django, not by their bytes')
  allowVerbosity(command).action((alias: string, options: CollectstaticOptions) => collect(context, alias, options))
}

async function collect(context: CliContext, alias: string, given: CollectstaticOptions): Promise<void> {
  const verbosity = verbosityOf(given.verbosity, context.out.quiet)
  const concurrency = concurrencyOf(given.concurrency)
  const { clear, link, postProcess, ignore, defaultIgnore, deleteStale } = given
  const keep = given.keep === undefined ? undefined : wholeNumberOf('--keep', given.keep, 0)
  await context.storages()
  const { staticFilesFromSettings } = await import('../../static/index.ts')
  const files = await context.configured(() => staticFilesFromSettings(alias))
  await runCollect(context, files, {
    alias,
    isInteractive: given.input && given.noinput !== true,
    verbosity,
    options: {
      dryRun: given.n === true || context.options.dryRun === true,
      clear,
      link,
      postProcess,
      ignore,
      defaultIgnore,
      concurrency,
      deleteStale,
      keep,
      compare: given.modifiedTime === true ? 'modifiedTime' : 'digest',
    },
  })
}

function repeated(pattern: string, former: readonly string[] = []): readonly string[] {
  return [...former, pattern]
}
