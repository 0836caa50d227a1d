import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { loading } from '../../config/loading.ts'
import type { FileRegistry, Orphan, OrphanSummary } from '../../fields/index.ts'
import { type CliContext, UsageError } from '../context.ts'
import { secondsOf } from '../options.ts'
import { formatSize, formatTime, printable } from '../output.ts'
import { counted } from '../tally.ts'

interface OrphansOptions {
  readonly delete?: boolean
  readonly grace: string
  readonly prefix?: readonly string[]
}

/** The exports of a module with models. */
interface Models {
  /** Default: the default registry of fields. */
  readonly fileRegistry?: FileRegistry
  /** Closes the connections of the database. */
  readonly close?: () => unknown
}

/** Maximum time in milliseconds for work that a module has left open. */
const EXIT_MS = 1000

/** `holdall orphans`: finds files that no row names. */
export function orphans(program: Command, context: CliContext): void {
  program
    .command('orphans')
    .description('list files that no row of a database names; --delete removes them')
    .argument('<module>', 'a module that registers the file fields (and may export fileRegistry and close)')
    .option('--delete', 'delete what is found')
    .option('--grace <duration>', 'keep younger files: seconds, or 90s, 10m, 1h, 7d', '1d')
    .option(
      '--prefix <folder...>',
      "look in these folders ('' is a whole storage) instead of those that the fields write to",
    )
    .action(async (module: string, options: OrphansOptions) => {
      const graceSecs = secondsOf('--grace', options.grace, { least: 0 })
      await context.storages()
      const file = resolve(module)
      const url = pathToFileURL(file).href
      const models = await loading(
        file,
        () => import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ url) as Promise<Models>,
      )
      try {
        await search(context, models, { ...options, graceSecs })
      } catch (error) {
        await close(models).catch(() => {})
        throw error
      }
      await close(models)
    })
}

async function close(models: Models): Promise<void> {
  // Connections that the module does not close must not keep the process alive.
  setTimeout(() => process.exit(), EXIT_MS).unref()
  await models.close?.()
}

async function search(
  context: CliContext,
  models: Models,
  options: OrphansOptions & { readonly graceSecs: number },
): Promise<void> {
  const { out, signal } = context
  const { findOrphans, fileRegistry } = await import('../../fields/index.ts')
  const registry = models.fileRegistry ?? fileRegistry
  if (!(registry.users instanceof Set)) throw new UsageError('fileRegistry of the module: expected a FileRegistry.')
  const isDelete = options.delete === true && context.options.dryRun !== true
  const { graceSecs, prefix: prefixes } = options
  let listed = 0
  context.whenInterrupted(() => `${counted(listed, 'unused file')} ${isDelete ? 'removed or listed' : 'listed'}`)
  const found = findOrphans({ registry, delete: isDelete, graceSecs, prefixes, signal })
  for (;;) {
    const { done, value } = await found.next()
    if (done) {
      await summarise(context, value, isDelete)
      return
    }
    listed++
    const { name, size, modifiedAt, deleted, error } = value
    const what = deleted ? 'deleted' : 'unused'
    const record = { name, size, modifiedAt, deleted, ...(error && { error: error.message }) }
    const columns = [formatSize(size).padStart(8), formatTime(modifiedAt), what.padEnd(7), printable(name)]
    await out.record(record, columns.join('  '))
    if (error !== undefined) reportFailure(context, value, error)
  }
}

function reportFailure({ out }: CliContext, { name }: Orphan, error: Error): void {
  out.warn(`${printable(name)}: ${error.message}`)
}

async function summarise(context: CliContext, summary: OrphanSummary, isDelete: boolean): Promise<void> {
  const { found, deleted, failed, used, spared, unfinished } = summary
  const { out } = context
  out.log(`${counted(found)} of ${found + used + spared} unused, ${deleted} deleted, ${spared} too young to know`)
  if (unfinished > 0) out.log(`${counted(unfinished, 'unfinished upload')} ${isDelete ? 'ended' : 'found'}`)
  if (found > 0 && !isDelete) out.log('nothing was deleted: --delete does that')
  if (failed > 0) context.exitCode = 1
  if (out.json) await out.record({ summary }, '')
}
