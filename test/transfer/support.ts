/** Places for tests of `sync` and `compare`. */
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { Driver } from '../../src/core/driver.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import { type SyncEvent, type SyncOptions, type SyncReport, sync } from '../../src/transfer/index.ts'

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
