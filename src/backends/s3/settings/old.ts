import type { ObjectParameters } from '../../../core/driver.ts'
import {
  flag,
  optionalInteger,
  optionalWord,
  parseEach,
  parseFlag,
  parseMap,
  parseText,
  setting,
} from '../../../core/setting-types.ts'
import type { SettingsOf } from '../../../core/settings.ts'
import { shownAddress, shownParameters } from '../../../remote/shown.ts'

/** Options of old configurations: of the boto backend, and of early versions of the boto3 backend. */
export interface OldOptions {
  readonly headers: ObjectParameters
  readonly host: string | null
  readonly port: number | null
  readonly origin: string | null
  readonly callingFormat: unknown
  readonly proxyHost: string | null
  readonly proxyPort: number | null
  readonly useThreads: boolean
  readonly secureUrls: boolean | null
}

/** Declarations of the old options. */
export const oldSettings: SettingsOf<OldOptions> = {
  headers: setting('map', parseHeaders, {
    default: {},
    keys: ['AWS_HEADERS'],
    shown: shownParameters,
    doc: 'Old: headers of every upload; use objectParameters.',
  }),
  host: optionalWord({
    default: null,
    keys: ['AWS_S3_HOST'],
    role: 'destination',
    doc: 'Old: use regionName or endpointUrl.',
  }),
  port: optionalInteger('port', {
    default: null,
    keys: ['AWS_S3_PORT'],
    role: 'destination',
    doc: 'Old: use endpointUrl.',
  }),
  origin: optionalWord({ default: null, keys: ['AWS_ORIGIN'], doc: 'Old: use regionName.' }),
  callingFormat: setting<unknown>('calling format', raw => raw, {
    default: null,
    keys: ['AWS_S3_CALLING_FORMAT'],
    doc: 'Old: use addressingStyle.',
  }),
  proxyHost: optionalWord({
    default: null,
    keys: ['AWS_S3_PROXY_HOST'],
    shown: shownAddress,
    role: 'destination',
    doc: 'Old: use proxies.',
  }),
  proxyPort: optionalInteger('port', {
    default: null,
    keys: ['AWS_S3_PROXY_PORT', 'AWS_S3_PROXY_PORTY'],
    role: 'destination',
    doc: 'Old: use proxies.',
  }),
  useThreads: flag({
    default: true,
    keys: ['AWS_S3_USE_THREADS'],
    doc: 'Old: false = one part at a time; use uploadConcurrency.',
  }),
  secureUrls: setting('true, false or null', raw => (raw === null ? null : parseFlag(raw)), {
    default: null,
    keys: ['AWS_S3_SECURE_URLS'],
    doc: 'Old: true = https on the custom domain; use urlProtocol.',
  }),
}

function parseHeaders(raw: unknown): ObjectParameters {
  const headers = raw === null || raw === '' || raw === 'None' || raw === 'null' ? {} : parseMap(raw)
  return parseEach(headers, value => (typeof value === 'string' ? parseText(value) : value))
}
