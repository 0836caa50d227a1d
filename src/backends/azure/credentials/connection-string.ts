import { ImproperlyConfigured } from '../../../core/errors.ts'
import { hint, nearest } from '../../../core/nearest.ts'
import { type ServiceEndpoint, serviceEndpoint } from '../../../remote/endpoint.ts'
import { givenSas } from '../sas.ts'
import { SharedKey } from '../sign.ts'

/**
 * The fields of a connection string for Blob Storage.
 * (https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string)
 */
export interface ConnectionString {
  /** Undefined if neither a field nor the endpoint contains it. */
  readonly accountName: string | undefined
  /** Secret, in base64. */
  readonly accountKey: string | undefined
  /** Secret: a SAS, unchanged, without a leading `?`. */
  readonly sasToken: string | undefined
  /** The address of blobs; a path-style one has the account in its path. */
  readonly endpoint: ServiceEndpoint
}

const FIELDS = [
  'DefaultEndpointsProtocol',
  'AccountName',
  'AccountKey',
  'EndpointSuffix',
  'BlobEndpoint',
  'SharedAccessSignature',
  'UseDevelopmentStorage',
  'DevelopmentStorageProxyUri',
] as const

type Field = (typeof FIELDS)[number]
type Fields = Partial<Record<Field, string>>

/** Fields of other services and of secondary endpoints, which the portal and emulators also print. */
const OTHERS = ['Blob', 'Queue', 'Table', 'File', 'Dfs', 'Web'].flatMap(name => [
  `${name}Endpoint`,
  `${name}SecondaryEndpoint`,
])
const NAMES: ReadonlyMap<string, string> = new Map([...FIELDS, ...OTHERS].map(name => [name.toLowerCase(), name]))

/** The account of every emulator; its key is public. (https://learn.microsoft.com/azure/storage/common/storage-use-azurite) */
export const EMULATOR_ACCOUNT = 'devstoreaccount1'
/** The key of `EMULATOR_ACCOUNT`. It is not secret: the documentation contains it. */
export const EMULATOR_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
const EMULATOR_PORT = 10_000

/** Domain of the service outside China and the US Government's clouds. */
export const ENDPOINT_SUFFIX = 'core.windows.net'

/**
 * Parses a connection string with fields in any order and case. Code `improperly_configured` with the setting and the wrong field, but
 * never with a value. An unknown field is identified by its position, since it may be a key that was pasted alone.
 */
export function parseConnectionString(text: string, setting = 'connectionString'): ConnectionString {
  const given = fieldsOf(text, setting)
  const isEmulator = flagOf(given.UseDevelopmentStorage, `${setting}: UseDevelopmentStorage`)
  const fields = isEmulator ? { ...emulatorFields(given, setting), ...given } : given
  const endpoint = endpointOf(fields, setting)
  const { AccountName, AccountKey, SharedAccessSignature } = fields
  const accountName = AccountName ?? accountOf(endpoint)
  if (AccountKey !== undefined) {
    if (accountName === undefined) throw missing(setting, 'AccountName')
    // The constructor checks the key.
    new SharedKey(accountName, AccountKey, `${setting}: AccountKey`)
  }
  return {
    accountName,
    accountKey: AccountKey,
    sasToken: SharedAccessSignature && givenSas(SharedAccessSignature, `${setting}: SharedAccessSignature`),
    endpoint,
  }
}

/**
 * The account in an endpoint: the first label of `<account>.blob.<suffix>`, or the first part of the path; undefined for another domain.
 */
export function accountOf({ hostName, path }: ServiceEndpoint): string | undefined {
  const [account = '', service] = hostName.split('.')
  if (service === 'blob') return account.replace(/-(?:secondary|ipv6|dualstack)$/, '')
  return path.split('/')[1] || undefined
}

function fieldsOf(text: string, setting: string): Fields {
  const fields: Fields = {}
  let at = 0
  for (const part of text.split(';')) {
    if (part.trim() === '') continue
    at++
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim()
    const known = NAMES.get(name.toLowerCase())
    if (known === undefined || equals < 0) throw unknown(setting, at, name, known)
    if (!isField(known)) continue
    const value = part.slice(equals + 1).trim()
    if (value === '') throw new ImproperlyConfigured(`${setting}: ${known} is empty`)
    if (fields[known] !== undefined && fields[known] !== value) {
      throw new ImproperlyConfigured(`${setting}: ${known} occurs twice, with different values`)
    }
    fields[known] = value
  }
  return fields
}

function isField(name: string): name is Field {
  return (FIELDS as readonly string[]).includes(name)
}

function unknown(setting: string, at: number, name: string, known: string | undefined): ImproperlyConfigured {
  if (known !== undefined) return new ImproperlyConfigured(`${setting}: ${known} has no '=' and no value`)
  const near = hint(nearest(name, FIELDS))
  return new ImproperlyConfigured(`${setting}: part ${at} is not a field of a connection string${near}`)
}

function flagOf(text: string | undefined, what: string): boolean {
  const lower = text?.toLowerCase()
  if (lower === undefined || lower === 'false') return false
  if (lower === 'true') return true
  throw new ImproperlyConfigured(`${what} must be true`)
}

/**
 * The fields that `UseDevelopmentStorage=true` stands for. The emulator is on the host of the proxy address, if there is one, as in Docker.
 */
function emulatorFields(given: Fields, setting: string): Fields {
  const account = given.AccountName ?? EMULATOR_ACCOUNT
  const at = given.DevelopmentStorageProxyUri ?? 'http://127.0.0.1'
  const { scheme, host, hostName } = serviceEndpoint(at, `${setting}: DevelopmentStorageProxyUri`, { useSsl: false })
  const address = host === hostName ? `${host}:${EMULATOR_PORT}` : host
  const credentials = given.SharedAccessSignature === undefined ? { AccountKey: EMULATOR_KEY } : {}
  return { AccountName: account, ...credentials, BlobEndpoint: `${scheme}://${address}/${account}` }
}

function endpointOf(fields: Fields, setting: string): ServiceEndpoint {
  const { AccountName: account, EndpointSuffix: suffix = ENDPOINT_SUFFIX, BlobEndpoint: given } = fields
  const { DefaultEndpointsProtocol: protocol = 'https' } = fields
  if (!/^https?$/i.test(protocol)) {
    throw new ImproperlyConfigured(`${setting}: DefaultEndpointsProtocol must be http or https`)
  }
  const useSsl = protocol.toLowerCase() === 'https'
  if (given !== undefined) return serviceEndpoint(given, `${setting}: BlobEndpoint`, { useSsl })
  if (account === undefined) throw missing(setting, 'AccountName or BlobEndpoint')
  return accountEndpoint(account, suffix, [`${setting}: AccountName`, `${setting}: EndpointSuffix`], useSsl)
}

/** `<account>.blob.<suffix>`. Errors name the settings of both values. */
export function accountEndpoint(
  account: string,
  suffix: string,
  [accountSetting, suffixSetting]: readonly [account: string, suffix: string],
  useSsl: boolean,
): ServiceEndpoint {
  if (!/^[a-z0-9_-]+$/i.test(account)) {
    throw new ImproperlyConfigured(`${accountSetting} must be lower-case letters and digits`)
  }
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?$/i.test(suffix)) {
    throw new ImproperlyConfigured(`${suffixSetting} must be a domain, as in ${ENDPOINT_SUFFIX}`)
  }
  return serviceEndpoint(`${account}.blob.${suffix}`, suffixSetting, { useSsl })
}

function missing(setting: string, what: string): ImproperlyConfigured {
  return new ImproperlyConfigured(`${setting}: ${what} is missing`)
}
