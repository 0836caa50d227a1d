/** Storage, registry and fields of a ground, with faults that tests switch on. */
import { FileField, FileRegistry, type KeptFile } from '../../../src/fields/index.ts'
import { LocalStorage, MemoryStorage, type Storage, StorageError } from '../../../src/index.ts'
import type { Call, Layer } from '../../../src/layers/layer.ts'

/** How the storage names files: `random` is the default of Holdall, `underscore` uses freed names again, `overwriting` is as S3. */
export type Naming = 'random' | 'underscore' | 'overwriting'

/** When a call of the storage fails: before it is carried out, or after (the answer is lost). */
export type Fault = 'before' | 'after' | undefined

/** What a ground is made with. */
export class OrmPlace {
  readonly storage: Storage
  readonly registry: FileRegistry = new FileRegistry()
  /** What `onKept` reported. */
  readonly kept: KeptFile[] = []
  /** Whether `photo` is named by the row's title: `photos/TITLE/NAME`. */
  readonly namesByRow: boolean
  /** Chooses the calls that fail. */
  fault: (call: Call) => Fault = () => undefined
  /** Called before each call of the storage. */
  before: (call: Call) => Promise<void> | void = () => {}
  /** Called after each call of the storage that succeeded. */
  after: (call: Call) => Promise<void> | void = () => {}
  /** Operations of all calls since `reset`. */
  readonly calls: string[] = []

  /** Over memory, or a folder of this machine. */
  constructor(naming: Naming = 'random', namesByRow = false, folder?: string) {
    this.namesByRow = namesByRow
    const layer: Layer = async (call, next, ctx) => {
      this.calls.push(call.operation)
      await this.before(call)
      const fault = this.fault(call)
      if (fault === 'before')
        throw new StorageError('unavailable', `${call.operation} failed`, { outcome: 'not_applied' })
      const result = await next(ctx)
      await this.after(call)
      if (fault === 'after')
        throw new StorageError('unavailable', `${call.operation}: no answer`, { outcome: 'unknown' })
      return result
    }
    const nameStrategy = naming === 'underscore' ? 'underscore' : 'random'
    const options = { fileOverwrite: naming === 'overwriting', nameStrategy, maxAttempts: 1 } as const
    const services = { layers: [layer], settings: {}, env: {} }
    this.storage =
      folder === undefined
        ? new MemoryStorage(options, services)
        : new LocalStorage({ ...options, location: folder }, services)
    this.registry.onKept = kept => void this.kept.push(kept)
  }

  /** A new field for the column `pdf`. */
  pdf(): FileField {
    return new FileField({ storage: this.storage, uploadTo: 'pdfs' })
  }

  /** A new field for the column `photo`. */
  photo(): FileField {
    if (!this.namesByRow) return new FileField({ storage: this.storage, uploadTo: 'photos' })
    const uploadTo = (row: { readonly title: string }, filename: string): string => `photos/${row.title}/${filename}`
    return new FileField({ storage: this.storage, uploadTo, prefix: 'photos/' })
  }

  /** Names of all files, sorted. */
  async files(): Promise<string[]> {
    const found: string[] = []
    for await (const entry of this.storage.entries('', { recursive: true }))
      if (!entry.isDirectory) found.push(entry.name)
    return found.sort()
  }

  /** Ends all faults and removes all files. */
  async reset(): Promise<void> {
    this.fault = () => undefined
    this.before = () => {}
    this.after = () => {}
    for (const name of await this.files()) await this.storage.delete(name)
    this.kept.length = 0
    this.calls.length = 0
  }
}
