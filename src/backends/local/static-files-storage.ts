import type { Driver } from '../../core/driver.ts'
import type { SettingsOf } from '../../core/settings.ts'
import type { GivenSettings, Services } from '../../storage/types.ts'
import { type LocalOptions, localSettings } from './settings.ts'
import { checkStaticPlace, staticAdvice } from './static-place.ts'
import { LocalStorage } from './storage.ts'

const { location, baseUrl } = localSettings

/** Declarations of the options of local static files. */
export const staticFilesSettings: SettingsOf<LocalOptions> = {
  ...localSettings,
  location: {
    ...location,
    default: '',
    keys: ['STATIC_ROOT'],
    doc: 'Folder that holds the collected files; it must be given.',
    parse: raw => (raw === null ? '' : location.parse(raw)),
  },
  baseUrl: {
    ...baseUrl,
    keys: ['STATIC_URL'],
    doc: 'URL below which a web server shows the folder; it must be given, and end in a slash.',
  },
}

/**
 * A local storage for collected static files: STATIC_ROOT is its folder and STATIC_URL its URL, instead of MEDIA_ROOT and MEDIA_URL. Its
 * first use is `improperly_configured` without a folder or a URL, or if one of them is that of the media files.
 */
export class StaticFilesStorage<O extends LocalOptions = LocalOptions> extends LocalStorage<O> {
  static override readonly settings: SettingsOf<LocalOptions> = staticFilesSettings

  /** A STATIC_URL without a slash at its end. */
  static override advice(given: GivenSettings): readonly string[] {
    return staticAdvice(given)
  }

  protected override connect(options: Readonly<O>, services: Services): Driver {
    checkStaticPlace(this, services)
    return super.connect(options, services)
  }
}
