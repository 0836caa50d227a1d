/** Storage, registry and fields of a ground, with faults that tests switch on. */
import { FileField, FileRegistry, type KeptFile } from '../../../src/fields/index.ts'
import { MemoryStorage, StorageError } from '../../../src/index.ts'
import type { Call, Layer } from '../../../src/layers/layer.ts'

/** How the storage names files: `random` is the default of Holdall, `underscore` uses freed names again, `overwriting` is as S3. */
export type Naming = 'random' | 'underscore' | 'overwriting'

/** When a call of the storage fails: before it is carried out, or after (the answer is lost). */
export type Fault = 'before' | 'after' | undefined

/** What a ground is made with. */
export class OrmPlace {
  readonly storage: MemoryStorage
  readonly registry: FileRegistry = new FileRegistry()
  /** What `onKept` reported. */
  readonly kept: KeptFile[] = []
  /** Whether `photo` is named by the row's title: `photos/TITLE/NAME`. */
  readonly namesByRow: boolean
  /** Chooses the calls that fail. */
  fault: (call: Call) => Fault = () => undefined
  /** Called before each call of the storage. */
  before: (call: Call) => Promise<void> | void = () => {}
  /** Operations of all calls since `reset`. */
  readonly calls: string[] = []

  constructor(naming: Naming = 'random', namesByRow = false) {
    this.namesByRow = namesByRow
    const layer: Layer = async (call, next, ctx) => {
      this.calls.push(call.operation)
      await this.before(call)
      const fault = this.fault(call)
      if (fault === 'before')
        throw new StorageError('unavailable', `${call.operation} failed`, { outcome: 'not_applied' })
      const result = await next(ctx)
      if (fault === 'after')
        throw new StorageError('unavailable', `${call.operation}: no answer`, { outcome: 'unknown' })
      return result
    }
    const nameStrategy = naming === 'underscore' ? 'underscore' : 'random'
    const options = { fileOverwrite: naming === 'overwriting', nameStrategy, maxAttempts: 1 } as const
    this.storage = new MemoryStorage(options, { layers: [layer] })
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
    for (const name of await this.files()) await this.storage.delete(name)
    this.kept.length = 0
    this.calls.length = 0
  }
}
