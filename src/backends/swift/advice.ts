import type { GivenSettings } from '../../storage/types.ts'

/** Settings of django-storage-swift that are unnecessary here, and the reason. */
const NEEDLESS: ReadonlyMap<string, string> = new Map([
  ['SWIFT_FULL_LISTING', 'listings are always whole'],
  ['SWIFT_AUTH_TOKEN_DURATION', 'a token is renewed before it ends, and when Swift refuses it'],
  ['SWIFT_LAZY_CONNECT', 'nothing is asked before the first use'],
  ['SWIFT_CONTENT_TYPE_FROM_FD', 'the type is that of the name, or the one given to save()'],
  ['SWIFT_CONTENT_LENGTH_FROM_FD', 'the length is that of the bytes that are sent'],
  ['SWIFT_CACHE_HEADERS', 'an opened file remembers its own headers'],
  ['SWIFT_GZIP_COMPRESSION_LEVEL', 'the level is that of zlib'],
  ['SWIFT_GZIP_UNKNOWN_CONTENT_TYPE', 'the types are those of SWIFT_GZIP_CONTENT_TYPES'],
])

/** Settings whose effect is achieved by an option of a second storage. */
const STATIC: ReadonlyMap<string, string> = new Map([
  ['SWIFT_STATIC_CONTAINER_NAME', 'containerName'],
  ['SWIFT_STATIC_NAME_PREFIX', 'location'],
  ['SWIFT_STATIC_BASE_URL', 'baseUrl'],
  ['SWIFT_STATIC_AUTO_BASE_URL', 'autoBaseUrl'],
])

/** Advice about settings of django-storage-swift. */
export function swiftAdvice({ settings, env }: GivenSettings): string[] {
  const given = (name: string): unknown => settings[name] ?? (env[name] || undefined)
  const notes: string[] = []
  for (const [name, why] of NEEDLESS) {
    if (given(name) !== undefined) notes.push(`${name}: it has no effect: ${why}.`)
  }
  for (const [name, option] of STATIC) {
    if (given(name) !== undefined)
      notes.push(`${name}: it has no effect; give the storage 'staticfiles' of STORAGES its own ${option} in OPTIONS.`)
  }
  if (given('SWIFT_EXTRA_OPTIONS') !== undefined) {
    notes.push('SWIFT_EXTRA_OPTIONS: it has no effect; set SWIFT_INTERFACE, SWIFT_REGION_NAME or SWIFT_SERVICE_TYPE.')
  }
  const prefix = given('SWIFT_NAME_PREFIX')
  if (typeof prefix === 'string' && prefix !== '' && !prefix.endsWith('/')) {
    notes.push(
      `SWIFT_NAME_PREFIX: it is the name of a folder here; files that django-storage-swift stored begin with '${prefix}' without a slash.`,
    )
  }
  if (isOff(given('SWIFT_USE_TEMP_URLS')) && given('SWIFT_TEMP_URL_KEY') !== undefined) {
    notes.push('SWIFT_TEMP_URL_KEY: it signs only URLs with expiresInSecs, since SWIFT_USE_TEMP_URLS is off.')
  }
  if (isOff(given('SWIFT_AUTO_BASE_URL')) && given('SWIFT_BASE_URL') === undefined) {
    notes.push('SWIFT_AUTO_BASE_URL: without SWIFT_BASE_URL it has no effect.')
  }
  if (isOn(given('SWIFT_AUTO_CREATE_CONTAINER_PUBLIC')) && !isOn(given('SWIFT_AUTO_CREATE_CONTAINER'))) {
    notes.push(
      'SWIFT_AUTO_CREATE_CONTAINER_PUBLIC: it has no effect on a container that exists; see setPublic, or set SWIFT_AUTO_CREATE_CONTAINER.',
    )
  }
  return notes
}

function isOn(value: unknown): boolean {
  return value === true || value === 1 || /^(?:true|1|yes|on)$/i.test(String(value))
}

function isOff(value: unknown): boolean {
  return value === false || value === 0 || /^(?:false|0|no|off)$/i.test(String(value))
}
