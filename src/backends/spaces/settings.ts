import type { SettingsOf } from '../../core/settings.ts'
import { type S3Options, s3Settings } from '../s3/settings/settings.ts'

/** Options of `SpacesStorage`: those of S3. */
export type SpacesOptions = S3Options

/** Declarations of the options: those of S3, with DigitalOcean as the provider. */
export const spacesSettings: SettingsOf<SpacesOptions> = {
  ...s3Settings,
  provider: { ...s3Settings.provider, default: 'digitalocean' },
  regionName: { ...s3Settings.regionName, doc: 'Region of the Space: nyc3, sfo2 ...; the endpoint is made of it.' },
  endpointUrl: {
    ...s3Settings.endpointUrl,
    doc: 'Endpoint of the region, with or without a scheme; null = <region>.digitaloceanspaces.com.',
  },
}
