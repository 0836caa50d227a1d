import type { Driver } from '../../core/driver.ts'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { SettingsOf } from '../../core/settings.ts'
import { type LocalOptions, LocalStorage } from './index.ts'

const { location, baseUrl } = LocalStorage.settings

/**
 * A local storage for collected static files: STATIC_ROOT is its folder and STATIC_URL its URL, where a plain local storage reads
 * MEDIA_ROOT and MEDIA_URL. Without a folder its first use is an `ImproperlyConfigured`.
 */
export class StaticFilesStorage extends LocalStorage {
  static override readonly settings: SettingsOf<LocalOptions> = {
    ...LocalStorage.settings,
    location: {
      ...location,
      keys: ['STATIC_ROOT'],
      doc: 'Folder that holds the collected files; it must be given.',
      parse: raw => (raw === null ? '' : location.parse(raw)),
    },
    baseUrl: { ...baseUrl, keys: ['STATIC_URL'] },
  }

  protected override connect(options: Readonly<LocalOptions>): Driver {
    if (options.location === '') {
      throw new ImproperlyConfigured(
        'Static files need the setting STATIC_ROOT: the folder that they are collected in.',
      )
    }
    return super.connect(options)
  }
}
