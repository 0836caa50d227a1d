import { LocalStorage } from '../../../src/backends/local/index.ts'
import { FolderFinder } from '../../../src/static/finders/folders.ts'
import type { StaticFilesOptions } from '../../../src/static/options.ts'
import { StaticFiles } from '../../../src/static/static-files.ts'
import type { CollectEvent, CollectOptions } from '../../../src/static/types.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'

/** Our static files of some folders, with a manifest of Django 3.2, in a folder or another storage. */
export function staticFilesOf(
  folders: readonly string[],
  target: string | AnyStorage,
  options: Partial<StaticFilesOptions> = {},
): StaticFiles {
  const storage =
    typeof target === 'string'
      ? new LocalStorage({ location: target, fsync: false }, { settings: {}, env: {} })
      : target
  const finders = [new FolderFinder(folders)]
  return new StaticFiles({ storage, finders, baseUrl: '/static/', manifest: { version: '1.0' }, ...options })
}

/** Collects, and returns what happened; throws where a file has failed. */
export async function collected(files: StaticFiles, options: CollectOptions = {}): Promise<readonly CollectEvent[]> {
  const events: CollectEvent[] = []
  for await (const event of files.collect(options)) events.push(event)
  const failed = events.flatMap(event => (event.type === 'failed' ? [event.error.message] : []))
  if (failed.length > 0) throw new Error(failed.join('\n'))
  return events
}
