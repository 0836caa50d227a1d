import type { SettingsOf } from '../../core/settings.ts'
import { type S3Options, s3Settings } from '../s3/settings/settings.ts'

/** Options of `SpacesStorage`: those of S3. */
export type SpacesOptions = S3Options

/** Declarations of the options: those of S3, with DigitalOcean as the provider. */
export const spacesSettings: SettingsOf<SpacesOptions> = {
  ...s3Settings,
  provider: { ...s3Settings.provider, default: 'digitalocean' },
  regionName: { ...s3Settings.regionName, doc: "The Space's region: nyc3, sfo2 ...; it gives the endpoint." },
  endpointUrl: {
    ...s3Settings.endpointUrl,
    doc: 'Endpoint of the region, with or without a scheme; null = <region>.digitaloceanspaces.com.',
  },
}
