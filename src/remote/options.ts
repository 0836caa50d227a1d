import type { ObjectParameters } from '../core/driver.ts'
import {
  flag,
  integer,
  list,
  optionalInteger,
  optionalText,
  parseFlag,
  parseMap,
  parsePlace,
  place,
  setting,
  wordMap,
} from '../core/setting-types.ts'
import type { Setting, SettingsOf } from '../core/settings.ts'
import { shownParameters, shownProxies } from './shown.ts'

/** Names of a group's options in the settings object and the environment, the first one with priority. Default: none. */
export type KeysOf<O> = { readonly [K in keyof O]?: readonly string[] }

/** The same parameters for every file, or a function of the file's name. */
export type ObjectParametersSource = ObjectParameters | ((name: string) => ObjectParameters)

/** Options for every upload. */
export interface UploadOptions {
  readonly objectParameters: ObjectParametersSource
  readonly gzip: boolean
  readonly gzipContentTypes: readonly string[]
}

/** How URLs are made. */
export interface UrlPolicyOptions {
  readonly querystringAuth: boolean
  readonly querystringExpire: number
  readonly customDomain: string | null
  readonly urlProtocol: string
}

/** How large files are split into parts. */
export interface PartOptions {
  readonly multipartThreshold: number
  readonly partSize: number
  readonly uploadConcurrency: number
}

/** How to reach a service. */
export interface ConnectionOptions {
  readonly verify: boolean | string | null
  readonly proxies: Readonly<Record<string, string>>
  readonly maxSockets: number | null
  readonly connectTimeoutSecs: number
}

const MIB = 1_048_576

/** Content types that `gzip` compresses by default. */
export const GZIP_CONTENT_TYPES: readonly string[] = [
  'text/css',
  'text/javascript',
  'application/javascript',
  'application/x-javascript',
  'image/svg+xml',
]

/** The prefix of every key. Blanks at its ends are refused, since they name a different folder that looks the same. */
export function locationSetting(keys: readonly string[]): Setting<string> {
  const declared = place({ default: '', keys, doc: 'Prefix of every key, without a leading slash.' })
  const parse = (raw: unknown): string => {
    const location = declared.parse(raw)
    if (location !== location.trim()) throw new Error('expected a prefix without blanks at its ends')
    return location
  }
  return { ...declared, parse }
}

/** Declarations of the upload options. `check` refuses unknown upload parameters by throwing an `Error` that names them. */
export function uploadSettings(
  keys: KeysOf<UploadOptions>,
  check: (parameters: ObjectParameters) => void,
): SettingsOf<UploadOptions> {
  return {
    objectParameters: setting<ObjectParametersSource>(
      'map or function of the name',
      raw => parseParameters(raw, check),
      {
        default: {},
        keys: keys.objectParameters ?? [],
        shown: shownParameters,
        doc: 'Parameters of every upload (CacheControl, StorageClass, Metadata ...), or a function that returns them.',
      },
    ),
    gzip: flag({
      default: false,
      keys: keys.gzip ?? [],
      doc: 'Whether files of the types in gzipContentTypes are compressed.',
    }),
    gzipContentTypes: list({
      default: GZIP_CONTENT_TYPES,
      keys: keys.gzipContentTypes ?? [],
      doc: 'Content types that `gzip` compresses.',
    }),
  }
}

/** Declarations of the URL options. */
export function urlPolicySettings(keys: KeysOf<UrlPolicyOptions>): SettingsOf<UrlPolicyOptions> {
  return {
    querystringAuth: flag({ default: true, keys: keys.querystringAuth ?? [], doc: 'Whether URLs are signed.' }),
    querystringExpire: integer(
      'seconds',
      { default: 3600, keys: keys.querystringExpire ?? [], doc: 'Lifetime of a signed URL.' },
      1,
    ),
    customDomain: optionalText({
      default: null,
      keys: keys.customDomain ?? [],
      doc: 'Host of URLs, without scheme or trailing slash, for a CDN in front of the storage.',
    }),
    urlProtocol: setting('https: | http:', parseProtocol, {
      default: 'https:',
      keys: keys.urlProtocol ?? [],
      doc: 'Protocol of URLs on the custom domain.',
    }),
  }
}

/** Declarations of the part options. No part is smaller than `minPartSize`, in bytes. */
export function partSettings(keys: KeysOf<PartOptions>, minPartSize: number): SettingsOf<PartOptions> {
  return {
    multipartThreshold: integer('bytes', {
      default: 8 * MIB,
      keys: keys.multipartThreshold ?? [],
      doc: 'Maximum size of an upload that is sent in one request.',
    }),
    partSize: integer(
      'bytes',
      {
        default: 8 * MIB,
        keys: keys.partSize ?? [],
        doc: `Size of the parts of a larger upload, at least ${minPartSize / MIB} MiB.`,
      },
      minPartSize,
    ),
    uploadConcurrency: integer(
      'parts',
      { default: 4, keys: keys.uploadConcurrency ?? [], doc: 'Parts of one upload that are sent at the same time.' },
      1,
    ),
  }
}

/** Declarations of the connection options. */
export function connectionSettings(keys: KeysOf<ConnectionOptions>): SettingsOf<ConnectionOptions> {
  return {
    verify: setting('true, false, path or null', parseVerify, {
      default: null,
      keys: keys.verify ?? [],
      role: 'destination',
      doc: 'false = any certificate is accepted; a path = a PEM file of the certificate authorities to trust.',
    }),
    proxies: wordMap({
      default: {},
      keys: keys.proxies ?? [],
      shown: shownProxies,
      role: 'destination',
      doc: 'Proxies by scheme or endpoint; default: http_proxy, https_proxy and no_proxy of the environment.',
    }),
    maxSockets: optionalInteger('connections', {
      default: null,
      keys: keys.maxSockets ?? [],
      doc: 'Maximum number of connections; null = no limit.',
    }),
    connectTimeoutSecs: integer('seconds', {
      default: 30,
      keys: keys.connectTimeoutSecs ?? [],
      doc: 'Timeout for opening a connection.',
    }),
  }
}

function parseParameters(raw: unknown, check: (parameters: ObjectParameters) => void): ObjectParametersSource {
  if (typeof raw === 'function') return raw as (name: string) => ObjectParameters
  const parameters = parseMap(raw)
  check(parameters)
  return parameters
}

function parseProtocol(raw: unknown): string {
  const given = typeof raw === 'string' ? raw.trim() : raw
  if (given === null || given === '') return 'https:'
  if (given === 'https:' || given === 'http:') return given
  if (given === 'https' || given === 'http') return `${given}:`
  throw new Error("expected 'https:' or 'http:'")
}

function parseVerify(raw: unknown): boolean | string | null {
  if (raw === null || raw === '' || raw === 'None' || raw === 'null') return null
  try {
    return parseFlag(raw)
  } catch {
    if (typeof raw === 'string') return parsePlace(raw)
    throw new Error('expected true, false, null or the path of a CA file')
  }
}
