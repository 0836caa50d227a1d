import { ImproperlyConfigured } from '../../../core/errors.ts'
import { type ServiceEndpoint, serviceEndpoint } from '../../../remote/endpoint.ts'
import { decodeForm } from '../../../remote/sign/encode.ts'
import type { Renewed } from '../../../remote/token.ts'
import { givenSas } from '../sas.ts'
import type { AzureOptions } from '../settings.ts'
import { SharedKey } from '../sign.ts'
import {
  accountEndpoint,
  accountOf,
  EMULATOR_ACCOUNT,
  EMULATOR_KEY,
  parseConnectionString,
} from './connection-string.ts'
import { type AccessToken, accessTokens } from './token.ts'

/** The credential of requests. */
export type AzureCredential =
  | { readonly kind: 'key'; readonly key: SharedKey }
  | { readonly kind: 'sas'; readonly sas: string }
  | { readonly kind: 'token'; readonly tokens: Renewed<AccessToken> }
  | { readonly kind: 'anonymous' }

/** The address of a container, and the credential for its requests. */
export interface AzureAccount {
  /** Undefined if neither a setting nor the host contains it. */
  readonly name: string | undefined
  readonly container: string
  /** Scheme, host and port. */
  readonly origin: string
  /** Path of the account: '' or, path-style, `/devstoreaccount1`. */
  readonly path: string
  readonly credential: AzureCredential
  /** Texts that must not be shown. */
  readonly secrets: readonly string[]
}

/** The options for the address and the credential of a container. */
export type AccountOptions = Pick<
  AzureOptions,
  | 'accountName'
  | 'accountKey'
  | 'azureContainer'
  | 'azureSsl'
  | 'isEmulated'
  | 'connectionString'
  | 'sasToken'
  | 'tokenCredential'
  | 'endpointSuffix'
  | 'endpointUrl'
>

const EMULATOR_URL = `http://127.0.0.1:10000/${EMULATOR_ACCOUNT}`

/**
 * The account of the options. Credentials by priority: connection string, account key, SAS token, token credential. Code
 * `improperly_configured`, with the name of the setting, for a missing or bad value. Does no I/O.
 */
export function azureAccount(options: AccountOptions): AzureAccount {
  const account = settledAccount(options)
  // Must not be printed with the driver that holds them.
  for (const name of ['secrets', 'credential']) Object.defineProperty(account, name, { enumerable: false })
  return account
}

function settledAccount(options: AccountOptions): AzureAccount {
  const container = checkedContainer(options.azureContainer)
  const { name, key, sas, endpoint } = found(options)
  const origin = `${endpoint.scheme}://${endpoint.host}`
  const place = { name, container, origin, path: endpoint.path }
  if (key !== undefined) {
    if (name === undefined)
      throw new ImproperlyConfigured('AZURE_ACCOUNT_NAME must be set: the key belongs to an account')
    // A plain URL needs no key, so the manual's example `mykey` is refused only when something is signed.
    let made: SharedKey | undefined
    const account = name
    const credential = {
      kind: 'key',
      get key() {
        made ??= new SharedKey(account, key, 'AZURE_ACCOUNT_KEY')
        return made
      },
    } as const
    return { ...place, credential, secrets: [key] }
  }
  if (sas !== undefined) return { ...place, credential: { kind: 'sas', sas }, secrets: [sas, ...signaturesIn(sas)] }
  const { tokenCredential } = options
  if (tokenCredential === null) return { ...place, credential: { kind: 'anonymous' }, secrets: [] }
  checkTls(endpoint)
  return { ...place, credential: { kind: 'token', tokens: accessTokens(tokenCredential) }, secrets: [] }
}

interface Found {
  readonly name: string | undefined
  readonly key: string | undefined
  readonly sas: string | undefined
  readonly endpoint: ServiceEndpoint
}

function found(options: AccountOptions): Found {
  const { accountName, accountKey, connectionString, sasToken, endpointUrl, isEmulated } = options
  const given =
    connectionString === null ? undefined : parseConnectionString(connectionString, 'AZURE_CONNECTION_STRING')
  const hasOwn = given?.accountKey !== undefined || given?.sasToken !== undefined
  const own = {
    key: accountKey ?? undefined,
    sas: sasToken === null ? undefined : givenSas(sasToken, 'AZURE_SAS_TOKEN'),
  }
  if (given !== undefined) {
    const credentials = hasOwn ? { key: given.accountKey, sas: given.sasToken } : own
    return { name: given.accountName ?? accountName ?? undefined, ...credentials, endpoint: given.endpoint }
  }
  if (isEmulated) {
    const endpoint = serviceEndpoint(endpointUrl ?? EMULATOR_URL, 'AZURE_ENDPOINT_URL', { useSsl: false })
    return { name: EMULATOR_ACCOUNT, key: EMULATOR_KEY, sas: undefined, endpoint }
  }
  const endpoint = endpointOf(options)
  return { name: accountName ?? accountOf(endpoint), ...own, endpoint }
}

function endpointOf({ accountName, endpointUrl, endpointSuffix, azureSsl: useSsl }: AccountOptions): ServiceEndpoint {
  if (endpointUrl !== null) return serviceEndpoint(endpointUrl, 'AZURE_ENDPOINT_URL', { useSsl })
  if (accountName === null) {
    const names = 'AZURE_ACCOUNT_NAME, AZURE_CONNECTION_STRING or AZURE_ENDPOINT_URL'
    throw new ImproperlyConfigured(`${names} must be set to name the account`)
  }
  return accountEndpoint(accountName, endpointSuffix, ['AZURE_ACCOUNT_NAME', 'AZURE_ENDPOINT_SUFFIX'], useSsl)
}

function checkedContainer(name: string): string {
  if (name === '') throw new ImproperlyConfigured('AZURE_CONTAINER must be set')
  if (/^(?:\$root|\$web|\$logs|[A-Za-z0-9_-]+)$/.test(name)) return name
  throw new ImproperlyConfigured('AZURE_CONTAINER must be the name of a container: lower-case letters, digits and -')
}

/** A bearer token must not be sent unencrypted. */
function checkTls({ scheme, hostName }: ServiceEndpoint): void {
  if (scheme === 'https' || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostName)) return
  throw new ImproperlyConfigured('AZURE_TOKEN_CREDENTIAL needs https: set AZURE_SSL to true')
}

/** The signature of a SAS, both encoded and decoded. */
function signaturesIn(sas: string): string[] {
  const sig = /(?:^|&)sig=([^&]+)/.exec(sas)?.[1]
  if (sig === undefined) return []
  // Decoded like a query, except that `+` is not a blank here.
  return [sig, decodeForm(sig.replaceAll('+', '%2B'))]
}
