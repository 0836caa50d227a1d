import { regionOfHost } from '../addressing.ts'
import { headerParameter } from '../settings/object-parameters.ts'

/** A change of one rule, or a hint for the user. */
export interface MigrationNote {
  /** The rule's short name: `object-parameters`, `region`, `signature`. */
  readonly rule: string
  /** The setting that was found. */
  readonly from: string
  /** The setting that replaces it; null if it is only dropped. */
  readonly to: string | null
  /** One sentence for the user. It never contains a value that may be secret. */
  readonly message: string
}

/** The new settings and a note for each difference, in the order of the rules. */
export interface MigratedSettings {
  readonly settings: Record<string, unknown>
  readonly notes: readonly MigrationNote[]
}

/** Facts that the settings do not contain. */
export interface MigrationOptions {
  /** Whether version 2 URLs were stored and new URLs must have the same form: sets `AWS_S3_SIGNATURE_VERSION` to `s3`. */
  readonly keepV2Urls?: boolean | undefined
}

type Settings = Record<string, unknown>

const OLD_CLASS = 'storages.backends.s3boto.S3BotoStorage'
const NEW_CLASS = 'storages.backends.s3boto3.S3Boto3Storage'

/**
 * Converts settings of the boto backend to those of the boto3 backend, by the rules of the manual
 * (https://django-storages.readthedocs.io/en/1.7.1/backends/amazon-S3.html#migrating-from-boto-to-boto3). Does not change its argument. A
 * new setting that already exists has priority. Migrated settings are returned unchanged, without notes.
 */
export function migrateBotoSettings(
  settings: Readonly<Record<string, unknown>>,
  options: MigrationOptions = {},
): MigratedSettings {
  const migration = new Migration(settings)
  migration.objectParameters()
  migration.origin()
  migration.callingFormat()
  migration.host()
  migration.proxies()
  migration.signature(options.keepV2Urls ?? false)
  migration.storageClasses()
  return { settings: migration.settings, notes: migration.notes }
}

class Migration {
  readonly settings: Settings
  readonly notes: MigrationNote[] = []

  constructor(settings: Readonly<Settings>) {
    this.settings = { ...settings }
  }

  objectParameters(): void {
    const headers = this.#take('AWS_HEADERS')
    if (headers === undefined) return
    const renamed: Settings = {}
    for (const [header, value] of Object.entries(isRecord(headers) ? headers : {})) {
      if (addParameter(renamed, header, value)) continue
      this.#note('object-parameters', 'AWS_HEADERS', null, `S3 does not keep the header '${header}': it was dropped.`)
    }
    const present = this.settings['AWS_S3_OBJECT_PARAMETERS']
    const names = Object.keys(renamed).join(', ') || 'nothing'
    this.settings['AWS_S3_OBJECT_PARAMETERS'] = { ...renamed, ...(isRecord(present) ? present : {}) }
    this.#note('object-parameters', 'AWS_HEADERS', 'AWS_S3_OBJECT_PARAMETERS', `Headers became parameters: ${names}.`)
  }

  origin(): void {
    const origin = this.#take('AWS_ORIGIN')
    if (origin === undefined) return
    const region = origin === 'EU' ? 'eu-west-1' : origin
    if (region) this.#set('region', 'AWS_ORIGIN', 'AWS_S3_REGION_NAME', region, `The region is now '${region}'.`)
    else this.#note('region', 'AWS_ORIGIN', null, 'An empty origin is the default region and was dropped.')
  }

  callingFormat(): void {
    const format = this.#take('AWS_S3_CALLING_FORMAT')
    if (format === undefined) return
    const name = formatName(format)
    const style = STYLES[name]
    const from = 'AWS_S3_CALLING_FORMAT'
    if (style !== undefined) {
      this.#set('addressing-style', from, 'AWS_S3_ADDRESSING_STYLE', style, `${name} is the style '${style}'.`)
    } else this.#note('addressing-style', from, null, `${name || 'An empty format'} needs no setting and was dropped.`)
  }

  host(): void {
    const host = this.#take('AWS_S3_HOST')
    const port = this.#take('AWS_S3_PORT')
    if (typeof host !== 'string' || host === '') {
      if (port !== undefined) this.#note('endpoint', 'AWS_S3_PORT', null, 'A port without a host was dropped.')
      return
    }
    const region = regionOfHost(host)
    if (region) {
      this.#set('host-region', 'AWS_S3_HOST', 'AWS_S3_REGION_NAME', region, `The host names the region '${region}'.`)
    }
    if (region !== undefined && port === undefined) {
      if (!region) this.#note('endpoint', 'AWS_S3_HOST', null, "Amazon's own host is the default and was dropped.")
      return
    }
    const scheme = this.settings['AWS_S3_USE_SSL'] === false ? 'http' : 'https'
    const url = `${scheme}://${host}${port === undefined ? '' : `:${port}`}`
    const from = port === undefined ? 'AWS_S3_HOST' : 'AWS_S3_HOST, AWS_S3_PORT'
    this.#set('endpoint', from, 'AWS_S3_ENDPOINT_URL', url, `The endpoint is now '${url}'.`)
  }

  proxies(): void {
    const host = this.#take('AWS_S3_PROXY_HOST')
    const right = this.#take('AWS_S3_PROXY_PORT')
    const misspelt = this.#take('AWS_S3_PROXY_PORTY')
    const port = right ?? misspelt
    if (!host) {
      if (port !== undefined)
        this.#note('proxies', 'AWS_S3_PROXY_PORT', null, 'A proxy port without a host was dropped.')
      return
    }
    const proxy = port === undefined ? String(host) : `${host}:${port}`
    const from = port === undefined ? 'AWS_S3_PROXY_HOST' : 'AWS_S3_PROXY_HOST, AWS_S3_PROXY_PORT'
    const message = 'The proxy is now used for http and https.'
    this.#set('proxies', from, 'AWS_S3_PROXIES', { http: proxy, https: proxy }, message)
  }

  signature(keepV2Urls: boolean): void {
    const isBoto = this.notes.length > 0 || 'S3_USE_SIGV4' in this.settings || usesOldClass(this.settings)
    const usedV4 = this.#take('S3_USE_SIGV4')
    if (usedV4) this.#note('signature', 'S3_USE_SIGV4', null, 'Version 4 is the default: the setting was dropped.')
    if (!isBoto || usedV4 || this.settings['AWS_S3_SIGNATURE_VERSION'] !== undefined) return
    if (keepV2Urls) {
      const message = 'New URLs are signed by version 2, as the stored ones are.'
      this.#set('signature', 'S3_USE_SIGV4', 'AWS_S3_SIGNATURE_VERSION', 's3', message)
    } else {
      const advice = "set AWS_S3_SIGNATURE_VERSION to 's3' if stored URLs rely on version 2"
      this.#note('signature', 'S3_USE_SIGV4', null, `URLs are now signed by version 4: ${advice}.`)
    }
  }

  storageClasses(): void {
    for (const name of ['DEFAULT_FILE_STORAGE', 'STATICFILES_STORAGE']) {
      if (this.settings[name] !== OLD_CLASS) continue
      this.settings[name] = NEW_CLASS
      this.#note('storage-class', name, name, `The class is now ${NEW_CLASS}.`)
    }
    const { STORAGES: storages } = this.settings
    if (!isRecord(storages)) return
    const changed: Settings = { ...storages }
    for (const [alias, entry] of Object.entries(storages)) {
      if (!isRecord(entry)) continue
      const key = entry['BACKEND'] === OLD_CLASS ? 'BACKEND' : entry['backend'] === OLD_CLASS ? 'backend' : undefined
      if (key === undefined) continue
      changed[alias] = { ...entry, [key]: NEW_CLASS }
      this.settings['STORAGES'] = changed
      const place = `STORAGES['${alias}'].${key}`
      this.#note('storage-class', place, place, `The class is now ${NEW_CLASS}.`)
    }
  }

  #take(name: string): unknown {
    const value = this.settings[name]
    delete this.settings[name]
    return value ?? undefined
  }

  #set(rule: string, from: string, to: string, value: unknown, message: string): void {
    const present = this.settings[to]
    if (present === undefined || present === null) this.settings[to] = value
    const isKept = present !== undefined && present !== null && JSON.stringify(present) !== JSON.stringify(value)
    this.#note(rule, from, to, isKept ? `${to} was already set and was kept.` : message)
  }

  #note(rule: string, from: string, to: string | null, message: string): void {
    this.notes.push({ rule, from, to, message })
  }
}

/** boto's calling formats that differ from the default of boto3. */
const STYLES: Readonly<Record<string, string>> = {
  VHostCallingFormat: 'virtual',
  OrdinaryCallingFormat: 'path',
  ProtocolIndependentOrdinaryCallingFormat: 'path',
}

/** Adds the parameter for a header; returns false for a header that no upload has. */
function addParameter(parameters: Settings, header: string, value: unknown): boolean {
  const name = header.toLowerCase()
  if (name.startsWith('x-amz-meta-')) {
    const metadata = isRecord(parameters['Metadata']) ? parameters['Metadata'] : {}
    parameters['Metadata'] = { ...metadata, [header.slice('x-amz-meta-'.length)]: value }
    return true
  }
  const parameter = headerParameter(name)
  if (parameter !== undefined) parameters[parameter] = value
  return parameter !== undefined
}

/** The last part of a format's name, from a text, a class or an instance. */
function formatName(format: unknown): string {
  if (typeof format === 'string') return format.slice(format.lastIndexOf('.') + 1).replace(/\(\)$/, '')
  return typeof format === 'function' ? format.name : (Object(format).constructor?.name ?? '')
}

function usesOldClass(settings: Settings): boolean {
  const { DEFAULT_FILE_STORAGE: media, STATICFILES_STORAGE: statics, STORAGES: storages } = settings
  const entries = isRecord(storages) ? Object.values(storages) : []
  const classes = entries.map(entry => (isRecord(entry) ? (entry['BACKEND'] ?? entry['backend']) : undefined))
  return [media, statics, ...classes].includes(OLD_CLASS)
}

function isRecord(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
