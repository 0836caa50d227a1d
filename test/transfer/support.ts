/** Places for tests of `sync` and `compare`. */
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { Driver } from '../../src/core/driver.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import {
  type MigrateEvent,
  type MigrateOptions,
  migrate,
  type SyncEvent,
  type SyncOptions,
  type SyncReport,
  sync,
} from '../../src/transfer/index.ts'

export const NOWHERE = { settings: {}, env: {} }

/** What a test changes of a driver; it gets the driver underneath. */
export type Changes = (driver: Driver) => { readonly [K in keyof Driver]?: Driver[K] | undefined }

/** A storage in memory whose driver is changed. */
export function changedStorage(changes: Changes, options: Readonly<Record<string, unknown>> = {}): MemoryStorage {
  const { driver } = new MemoryStorage({}, NOWHERE).calls
  const own = changes(driver)
  const changed = new Proxy(driver, {
    get(target, property) {
      if (property in own) return Reflect.get(own, property)
      const value = Reflect.get(target, property)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return new MemoryStorage({ maxAttempts: 1, ...options }, { ...NOWHERE, driver: changed })
}

export function memory(): MemoryStorage {
  return new MemoryStorage({}, NOWHERE)
}

/** Files by their names. */
export type Files = Readonly<Record<string, string>>

export async function fill(storage: AnyStorage, files: Files): Promise<void> {
  for (const [name, text] of Object.entries(files)) await storage.save(name, text, { overwrite: true })
}

/** Every file of a storage with its text. */
export async function filesIn(storage: AnyStorage): Promise<Files> {
  const files: Record<string, string> = {}
  for await (const entry of storage.entries('', { recursive: true })) files[entry.name] = await storage.readText(entry)
  return files
}

/** A run with its events, as `copied a.txt`; a failure has its message. */
export async function synced(
  source: AnyStorage,
  target: AnyStorage,
  options: SyncOptions = {},
): Promise<{ readonly report: SyncReport; readonly events: readonly string[] }> {
  const events: string[] = []
  const onEvent = (event: SyncEvent): void => {
    events.push(
      event.type === 'failed' ? `failed ${event.name}: ${event.error.message}` : `${event.type} ${event.name}`,
    )
  }
  const report = await sync(source, target, { ...options, onEvent })
  return { report, events: events.sort() }
}

/** What reports of `sync` and `migrate` have in common. */
export type CommonReport = Pick<SyncReport, 'copied' | 'unchanged' | 'deleted' | 'failed' | 'extra' | 'inSync'> & {
  readonly heldBack: string | undefined
  readonly failures: ReadonlyArray<{ readonly name: string; readonly error: { readonly code: string } }>
}

/** One of the two functions, with the options of `sync`. */
export interface Way {
  readonly name: 'sync' | 'migrate'
  sync(source: AnyStorage, target: AnyStorage, options?: SyncOptions): Promise<CommonReport>
  synced(
    source: AnyStorage,
    target: AnyStorage,
    options?: SyncOptions,
  ): Promise<{ readonly report: CommonReport; readonly events: readonly string[] }>
}

/** The options of `migrate` that do the same: its ledger is its record, and it always compares contents by digests. */
function migrateOptions({ record, checksum, onEvent: _, deleteExcluded: __, ...options }: SyncOptions): MigrateOptions {
  return {
    ...(options as MigrateOptions),
    ...(record !== undefined && { ledger: record }),
    ...(checksum === true && { verify: 'full' as const }),
  }
}

async function migrated(
  source: AnyStorage,
  target: AnyStorage,
  options: SyncOptions = {},
): Promise<{ readonly report: CommonReport; readonly events: readonly string[] }> {
  // A file that fails is tried again, and fails again.
  const events = new Set<string>()
  const onEvent = (event: MigrateEvent): void => {
    if (event.type === 'failed') events.add(`failed ${event.name}: ${event.error.message}`)
    else if (event.type === 'copied' || event.type === 'deleted') events.add(`${event.type} ${event.name}`)
  }
  const { counts, heldBack, isDone, failedFiles } = await migrate(source, target, {
    ...migrateOptions(options),
    onEvent,
  })
  const failures = failedFiles.map(({ name, code, message }) => ({ name, error: { code, message } }))
  const extra = counts.extra - counts.deleted
  return { report: { ...counts, extra, heldBack, inSync: isDone, failures }, events: [...events].sort() }
}

/** Both functions, for what both must do. */
export const WAYS: readonly Way[] = [
  { name: 'sync', sync, synced },
  { name: 'migrate', sync: async (...parameters) => (await migrated(...parameters)).report, synced: migrated },
]
