import { StorageError } from '../../../src/core/errors.ts'
import type { Call } from '../../../src/layers/layer.ts'
import { StaticFiles } from '../../../src/static/static-files.ts'
import type { CollectEvent, CollectOptions, CollectSummary } from '../../../src/static/types.ts'
import type { AnyStorage } from '../../../src/storage/storage.ts'
import { finderOf, type Sources } from './sources.ts'

/** What a run came to; `thrown` where it ended before its summary. */
export interface Ran {
  readonly events: readonly CollectEvent[]
  readonly summary: CollectSummary | undefined
  readonly thrown: unknown
}

/** Collects sources with hashed names and a manifest. */
export async function collect(storage: AnyStorage, sources: Sources, options: CollectOptions = {}): Promise<Ran> {
  const files = new StaticFiles({ storage, finders: [finderOf(() => sources)], baseUrl: '/static/', manifest: true })
  const events: CollectEvent[] = []
  let summary: CollectSummary | undefined
  let thrown: unknown
  try {
    for await (const event of files.collect(options)) {
      events.push(event)
      if (event.type === 'summary') summary = event
    }
  } catch (error) {
    thrown = error
  }
  return { events, summary, thrown }
}

/** As `collect`, for a run that has to come to its end without a failure. */
export async function collectWell(
  storage: AnyStorage,
  sources: Sources,
  options?: CollectOptions,
): Promise<CollectSummary> {
  const { summary, thrown, events } = await collect(storage, sources, options)
  if (thrown !== undefined) throw thrown
  if (summary === undefined || summary.failed > 0) throw new Error(`not all was collected: ${JSON.stringify(events)}`)
  return summary
}

/** An error that no layer repeats. */
export function refusal({ key, operation }: Call): StorageError {
  return new StorageError('permission_denied', `${operation} is refused`, { fileName: key })
}

/** Whether a call changes the place. */
export function changes({ operation }: Call): boolean {
  return !['stat', 'read', 'list', 'exists'].includes(operation)
}
