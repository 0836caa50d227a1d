import type { Driver } from '../../core/driver.ts'
import type { SettingsOf } from '../../core/settings.ts'
import { Storage } from '../../storage/storage.ts'
import { MemoryDriver } from './driver.ts'
import { type MemoryOptions, memorySettings } from './settings.ts'

export { MemoryDriver, type MemoryDriverOptions } from './driver.ts'
export { type MemoryOptions, memorySettings } from './settings.ts'

/** Files in this process's memory; each storage has its own. Closing a storage keeps its files. For tests and small caches. */
export class MemoryStorage extends Storage<MemoryOptions> {
  static override readonly settings: SettingsOf<MemoryOptions> = memorySettings
  static override readonly backendName = 'memory'

  #memory: MemoryDriver | undefined

  protected override connect(): Driver {
    this.#memory ??= new MemoryDriver({ baseUrl: this.options.baseUrl })
    return this.#memory
  }
}
