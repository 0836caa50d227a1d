import type { SettingsOf } from '../../core/settings.ts'
import { type CommonOptions, commonSettings } from '../../storage/common-settings.ts'

/** Options of `MemoryStorage`: those of every backend. */
export interface MemoryOptions extends CommonOptions {}

/** Declarations of the options of `MemoryStorage`; `MEDIA_URL` sets `baseUrl`, as in Django. */
export const memorySettings: SettingsOf<MemoryOptions> = {
  ...commonSettings,
  baseUrl: { ...commonSettings.baseUrl, keys: ['MEDIA_URL'] },
}
