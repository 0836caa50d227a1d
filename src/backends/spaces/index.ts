import type { SettingsOf } from '../../core/settings.ts'
import { S3Storage } from '../s3/index.ts'
import { type SpacesOptions, spacesSettings } from './settings.ts'

export { type SpacesOptions, spacesSettings } from './settings.ts'

/** Files in a DigitalOcean Space: S3 whose endpoint follows from the region. */
export class SpacesStorage extends S3Storage<SpacesOptions> {
  static override readonly settings: SettingsOf<SpacesOptions> = spacesSettings
  static override readonly backendName: string = 'spaces'
}
