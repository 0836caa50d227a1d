import { optionalText, optionalToken, optionalWord, parseWord, setting, word } from '../../core/setting-types.ts'
import type { Setting, SettingsOf } from '../../core/settings.ts'
import { serviceEndpoint } from '../endpoint.ts'
import { shownAddress } from '../shown.ts'
import { parseAuth } from './auth-version.ts'

/** The credentials of a storage, and the service of the catalog that it uses. */
export interface IdentityOptions {
  readonly authUrl: string | null
  readonly authVersion: string | number | null
  readonly authType: string | null
  readonly username: string | null
  readonly password: string | null
  readonly userId: string | null
  readonly userDomainName: string | null
  readonly userDomainId: string | null
  readonly projectName: string | null
  readonly projectId: string | null
  readonly projectDomainName: string | null
  readonly projectDomainId: string | null
  readonly domainName: string | null
  readonly domainId: string | null
  readonly applicationCredentialId: string | null
  readonly applicationCredentialName: string | null
  readonly applicationCredentialSecret: string | null
  readonly token: string | null
  readonly storageUrl: string | null
  readonly regionName: string | null
  readonly interface: 'public' | 'internal' | 'admin'
  readonly serviceType: string
  readonly serviceName: string | null
}

function name(what: string, keys: readonly string[], aliases: readonly string[] = []): Setting<string | null> {
  return optionalText({ default: null, keys, aliases, role: 'credential', doc: what })
}

function address(what: string, keys: readonly string[], aliases: readonly string[] = []): Setting<string | null> {
  return optionalWord({ default: null, keys, aliases, shown: shownAddress, role: 'destination', doc: what })
}

function auth(what: string, keys: readonly string[]): Setting<string | null> {
  return setting<string | null>('text or null', parseChoice, { default: null, keys, doc: what })
}

/** Declarations of the credentials: names of django-storage-swift, then names of swiftclient's environment. */
export const identitySettings: SettingsOf<IdentityOptions> = {
  authUrl: address(
    'Where the identity service is, with or without its version: https://keystone.example.com:5000/v3.',
    ['SWIFT_AUTH_URL', 'ST_AUTH', 'OS_AUTH_URL'],
    ['auth_url', 'api_auth_url'],
  ),
  authVersion: auth(
    'Version of the identity API: 1, 2 or 3, as `3`, `2.0_password`, `3.x_appcred`; null = by authUrl.',
    ['SWIFT_AUTH_VERSION', 'ST_AUTH_VERSION', 'OS_AUTH_VERSION', 'OS_IDENTITY_API_VERSION'],
  ),
  authType: auth('How to authenticate: password, appcred, token or apikey; null = by what is given.', [
    'SWIFT_AUTH_TYPE',
    'OS_AUTH_TYPE',
  ]),
  username: name(
    'Name of the user; with version 1 `account:user`.',
    ['SWIFT_USERNAME', 'SWIFT_USER', 'ST_USER', 'OS_USERNAME'],
    ['user', 'api_username'],
  ),
  password: optionalText({
    default: null,
    keys: ['SWIFT_KEY', 'SWIFT_PASSWORD', 'ST_KEY', 'OS_PASSWORD'],
    aliases: ['key', 'api_key', 'apiKey'],
    secret: true,
    role: 'credential',
    doc: 'Password or key of the user.',
  }),
  userId: name('Id of the user, instead of name and domain.', ['SWIFT_USER_ID', 'OS_USER_ID']),
  userDomainName: name('Domain of the user, by name.', ['SWIFT_USER_DOMAIN_NAME', 'OS_USER_DOMAIN_NAME']),
  userDomainId: name('Domain of the user, by id; default is `default`.', ['SWIFT_USER_DOMAIN_ID', 'OS_USER_DOMAIN_ID']),
  projectName: name(
    'Name of the project (tenant) of the files.',
    ['SWIFT_TENANT_NAME', 'SWIFT_PROJECT_NAME', 'OS_PROJECT_NAME', 'OS_TENANT_NAME'],
    ['tenantName', 'tenant_name', 'tenant'],
  ),
  projectId: name(
    'Id of the project; needs no domain.',
    ['SWIFT_TENANT_ID', 'SWIFT_PROJECT_ID', 'OS_PROJECT_ID', 'OS_TENANT_ID'],
    ['tenantId', 'tenant_id'],
  ),
  projectDomainName: name('Domain of the project, by name.', ['SWIFT_PROJECT_DOMAIN_NAME', 'OS_PROJECT_DOMAIN_NAME']),
  projectDomainId: name('Domain of the project, by id; default is `default`.', [
    'SWIFT_PROJECT_DOMAIN_ID',
    'OS_PROJECT_DOMAIN_ID',
  ]),
  domainName: name('Name of the domain of the token, instead of a project.', ['SWIFT_DOMAIN_NAME', 'OS_DOMAIN_NAME']),
  domainId: name('Id of the domain of the token, instead of a project.', ['SWIFT_DOMAIN_ID', 'OS_DOMAIN_ID']),
  applicationCredentialId: name('Id of an application credential.', [
    'SWIFT_APPLICATION_CREDENTIAL_ID',
    'OS_APPLICATION_CREDENTIAL_ID',
  ]),
  applicationCredentialName: name('Name of the application credential, instead of its id; needs the user.', [
    'SWIFT_APPLICATION_CREDENTIAL_NAME',
    'OS_APPLICATION_CREDENTIAL_NAME',
  ]),
  applicationCredentialSecret: optionalText({
    default: null,
    keys: ['SWIFT_APPLICATION_CREDENTIAL_SECRET', 'OS_APPLICATION_CREDENTIAL_SECRET'],
    secret: true,
    role: 'credential',
    doc: 'Secret of the application credential.',
  }),
  token: optionalToken({
    default: null,
    keys: ['SWIFT_AUTH_TOKEN', 'OS_AUTH_TOKEN', 'OS_TOKEN'],
    aliases: ['auth_token', 'authToken'],
    secret: true,
    role: 'credential',
    doc: 'An existing token: used directly with storageUrl, else exchanged for a token of the project.',
  }),
  storageUrl: {
    ...address(
      'Address of the account for transfers, instead of the address in the catalog: https://swift.example.com/v1/AUTH_1.',
      ['SWIFT_STORAGE_URL', 'OS_STORAGE_URL'],
      ['storage_url', 'object_storage_url'],
    ),
    parse: parseUrl,
  },
  regionName: optionalWord({
    default: null,
    keys: ['SWIFT_REGION_NAME', 'OS_REGION_NAME'],
    aliases: ['region', 'region_name'],
    doc: 'Region of the catalog; required if the catalog has several.',
  }),
  interface: setting('public | internal | admin', parseInterface, {
    default: 'public',
    keys: ['SWIFT_INTERFACE', 'SWIFT_ENDPOINT_TYPE', 'OS_INTERFACE', 'OS_ENDPOINT_TYPE'],
    aliases: ['endpointType', 'endpoint_type'],
    doc: 'Interface of the catalog for transfers; URLs always use the public one.',
  }),
  serviceType: word({
    default: 'object-store',
    keys: ['SWIFT_SERVICE_TYPE', 'OS_SERVICE_TYPE'],
    doc: 'Type of the service in the catalog.',
  }),
  serviceName: optionalText({
    default: null,
    keys: ['SWIFT_SERVICE_NAME', 'OS_SERVICE_NAME'],
    doc: 'Name of the service in the catalog; null = any.',
  }),
}

function parseInterface(raw: unknown): 'public' | 'internal' | 'admin' {
  const [, found] = /^(public|internal|admin)(?:url)?$/i.exec(parseWord(raw)) ?? []
  if (found === undefined) throw new Error('expected public, internal or admin')
  return found.toLowerCase() as 'public' | 'internal' | 'admin'
}

function parseUrl(raw: unknown): string | null {
  if (raw === null || raw === '' || raw === 'None') return null
  const { scheme, host, path } = serviceEndpoint(parseWord(raw), 'the address')
  return `${scheme}://${host}${path}`
}

/** The value as it was written, if it is a version or an authentication method. */
function parseChoice(raw: unknown): string | null {
  if (raw === null || raw === '' || raw === 'None') return null
  parseAuth(raw)
  return String(raw).trim()
}
