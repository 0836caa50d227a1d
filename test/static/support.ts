/** Sources in memory, and runs whose events are kept. */
import { Readable } from 'node:stream'
import type { CollectEvent, CollectOptions, CollectSummary, Finder, StaticFile } from '../../src/static/index.ts'
import type { StaticFiles } from '../../src/static/static-files.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'

/** Content of sources by their names. */
export type Sources = Record<string, string | Buffer>

/** A source in memory, which may be changed between two runs. */
export class SourceMap implements Finder {
  readonly locations = ['memory']
  files_: Sources
  modifiedAt = new Date('2026-01-01T00:00:00Z')
  /** Called before a file is read. */
  onRead: (name: string) => void = () => {}

  constructor(files: Sources) {
    this.files_ = files
  }

  *files({ isIgnored }: { isIgnored: (path: string) => boolean }): Generator<StaticFile> {
    for (const name of Object.keys(this.files_)) if (!isIgnored(name)) yield this.#file(name)
  }

  async find(name: string): Promise<readonly StaticFile[]> {
    return name in this.files_ ? [this.#file(name)] : []
  }

  #file(name: string): StaticFile {
    const bytes = (): Buffer => {
      this.onRead(name)
      return Buffer.from(this.files_[name]!)
    }
    return {
      name,
      path: undefined,
      origin: `memory:${name}`,
      modifiedAt: async () => this.modifiedAt,
      readUpTo: async limit => (bytes().byteLength > limit ? undefined : bytes()),
      open: () => Readable.from([bytes()]),
    }
  }
}

/** What a run has sent. */
export interface Collected {
  readonly events: readonly CollectEvent[]
  readonly summary: CollectSummary
  /** Names of the events of a type. */
  of(type: CollectEvent['type']): string[]
  /** `css/a.css:3: message` of each warning. */
  readonly warnings: string[]
  readonly failures: string[]
}

export async function collect(files: StaticFiles, options: CollectOptions = {}): Promise<Collected> {
  const events: CollectEvent[] = []
  for await (const event of files.collect(options)) events.push(event)
  const last = events[events.length - 1]
  if (last?.type !== 'summary') throw new Error('the last event is no summary')
  return {
    events,
    summary: last,
    of: type =>
      events
        .flatMap(event => (event.type === type && 'name' in event && event.name !== undefined ? [event.name] : []))
        .sort(),
    warnings: events.flatMap(event =>
      event.type === 'warning' ? [`${event.name ?? ''}:${event.line ?? ''}: ${event.message}`] : [],
    ),
    failures: events.flatMap(event => (event.type === 'failed' ? [event.error.message] : [])),
  }
}

/** Names in a storage, sorted. */
export async function namesIn(storage: AnyStorage): Promise<string[]> {
  const names: string[] = []
  for await (const { name } of storage.entries('', { recursive: true })) names.push(name)
  return names.sort()
}

/** Paths of the manifest in a storage. */
export async function pathsIn(storage: AnyStorage, name = 'staticfiles.json'): Promise<Record<string, string>> {
  return JSON.parse(await storage.readText(name)).paths
}
