import { retryMigration } from '../fleet/index.ts'
import type { CliContext } from './context.ts'
import { FleetBook } from './fleet-book.ts'
import { chosen, type MigrationChoice } from './migration-book.ts'
import { printable } from './output.ts'

/** Gives failed names, and pages whose retries are used up, back to the workers of a fleet. */
export async function retryInFleet(context: CliContext, url: string, choice: MigrationChoice): Promise<void> {
  const { out, options } = context
  const book = new FleetBook(url)
  await chosen(book, choice)
  // A migration between two places may have been planned several times; an older one is not of interest any more.
  const found = latest(await book.find(choice))
  const failed = found.filter(({ counts, pages }) => counts.failed > 0 || (pages?.failed ?? 0) > 0)
  if (failed.length === 0) out.log(`no failed names and pages in ${book.title}`)
  const dryRun = options.dryRun === true
  for (const { id, source, target, counts, pages } of failed) {
    const status = dryRun ? undefined : await retryMigration(url, id)
    const what = `${counts.failed} failed names, ${pages?.failed ?? 0} failed pages`
    const text = `${dryRun ? 'would give' : 'given'} back to the workers: ${what} of ${source} -> ${target}`
    await out.record(status ?? { dryRun, id, source, target }, printable(text))
  }
}

/** Returns the first, which is the newest, migration of each pair of places. */
function latest<T extends { readonly source: string; readonly target: string }>(all: readonly T[]): readonly T[] {
  const newest = new Map<string, T>()
  for (const each of all) {
    const key = JSON.stringify([each.source, each.target])
    if (!newest.has(key)) newest.set(key, each)
  }
  return [...newest.values()]
}
