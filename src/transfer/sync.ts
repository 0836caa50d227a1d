import { never } from '../core/abort.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { checkSyncOptions } from './checked-options.ts'
import { Places } from './places.ts'
import { SyncRun } from './sync-run.ts'
import type { SyncOptions, SyncReport } from './types.ts'

/**
 * Makes the target contain every file of the source, and with `delete` no other. Changes are detected by one listing of each side: no
 * request is made for a file that is unchanged. Files of equal size count as unchanged only if their contents are known to be equal: by the
 * `record` of the last run, by digests of the listings, or by reading files of this machine; otherwise they are copied. Memory does not
 * grow with the number of files, except for the names that are to be deleted.
 *
 * An error of one file is reported by `onEvent`, and the others are still copied. A listing that fails ends the run with its error, and
 * nothing is deleted. `invalid_argument`: the two places overlap. `not_found`: there is nothing at `sourcePath`. `aborted`: the signal
 * fired.
 * @example
 * const report = await sync(new LocalStorage({ location: 'site' }), storages.get('www'), {
 *   delete: true,
 *   exclude: ['*.map'],
 *   record: '.cache/site.sync',
 * })
 * console.log(`${report.copied} copied, ${report.unchanged} unchanged, ${report.deleted} deleted`)
 */
export async function sync(source: AnyStorage, target: AnyStorage, options: SyncOptions = {}): Promise<SyncReport> {
  checkSyncOptions(options)
  const { signal = never(), dryRun = false } = options
  const places = await Places.of(source, target, options, { signal, isWriting: true, dryRun })
  try {
    return await new SyncRun(places, options).run()
  } finally {
    places.end()
  }
}
