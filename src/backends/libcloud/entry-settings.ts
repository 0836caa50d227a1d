import {
  flag,
  optionalChoice,
  optionalPlace,
  optionalPort,
  optionalSeconds,
  optionalText,
  optionalToken,
  optionalWord,
  parseFlag,
  parsePlace,
  setting,
} from '../../core/setting-types.ts'
import type { Setting, SettingsOf } from '../../core/settings.ts'
import { shownAddress } from '../../remote/shown.ts'

/** One parsed entry of `LIBCLOUD_PROVIDERS`, a bucket at a provider. A missing key is null. */
export interface ProviderEntry {
  readonly type: string | null
  readonly user: string | null
  readonly key: string | null
  readonly bucket: string | null
  readonly region: string | null
  readonly project: string | null
  readonly host: string | null
  readonly port: number | null
  readonly secure: boolean | null
  readonly path: string | null
  readonly authUrl: string | null
  readonly authVersion: string | null
  readonly storageUrl: string | null
  readonly token: string | null
  readonly tenant: string | null
  readonly domain: string | null
  readonly tenantDomain: string | null
  readonly serviceType: string | null
  readonly serviceName: string | null
  readonly interface: 'public' | 'internal' | 'admin' | null
  readonly useInternalUrl: boolean
  readonly keyId: string | null
  readonly tempUrlKey: string | null
  readonly signatureVersion: '2' | '4' | null
  readonly querystringAuth: boolean | null
  readonly caCerts: readonly string[]
  readonly timeout: number | null
}

/** Declarations of an entry's keys; the aliases are the arguments of libcloud's drivers. */
export const entrySettings: SettingsOf<ProviderEntry> = {
  type: optionalText({ default: null, doc: 'The provider: `libcloud.storage.types.Provider.S3`, or `S3` alone.' }),
  user: optionalText({
    default: null,
    role: 'credential',
    doc: 'Access key id, user, account or subtenant; for LOCAL the folder that holds the containers.',
  }),
  key: setting('text or null', parseKey, {
    default: null,
    secret: true,
    role: 'credential',
    doc: 'The secret of `user`.',
  }),
  bucket: optionalText({ default: null, aliases: ['container'], doc: 'The bucket or container, which must exist.' }),
  region: optionalToken({
    default: null,
    aliases: ['region_name', 'regionName', 'ex_force_service_region'],
    doc: 'Region, for types that have several; null = the default of the type.',
  }),
  project: optionalToken({ default: null, doc: 'Project at Google, for creating and listing buckets.' }),
  host: optionalWord({
    default: null,
    shown: shownAddress,
    role: 'destination',
    doc: 'Host of the service, with or without a port; null = the default of the type.',
  }),
  port: optionalPort({
    default: null,
    role: 'destination',
    doc: 'Port of the host; null = the default port of the scheme.',
  }),
  secure: setting('true, false or null', orNone(parseFlag), {
    default: null,
    aliases: ['ssl'],
    role: 'destination',
    doc: 'https or http; null = https.',
  }),
  path: optionalPlace({
    default: null,
    role: 'destination',
    doc: 'Path before the path of the protocol, as at Atmos; for LOCAL another name of `user`.',
  }),
  authUrl: address('URL of the identity service.', ['ex_force_auth_url', 'auth_url']),
  authVersion: setting('text or null', orNone(parseVersion), {
    default: null,
    aliases: ['ex_force_auth_version'],
    doc: 'How to authenticate: `1.0`, `2.0_password`, `2.0_apikey`, `3.x_password`, `3.x_appcred`; null = chosen by the address.',
  }),
  storageUrl: address("The account's address, instead of that of the catalog.", ['ex_force_base_url']),
  token: optionalToken({
    default: null,
    aliases: ['ex_force_auth_token'],
    secret: true,
    role: 'credential',
    doc: 'Session token of temporary keys of S3; for Swift an existing token.',
  }),
  tenant: optionalText({
    default: null,
    aliases: ['tenant_name', 'tenantName', 'project_name', 'projectName', 'ex_tenant_name'],
    doc: 'Project (tenant) of Swift, by name.',
  }),
  domain: optionalText({
    default: null,
    aliases: ['domain_name', 'domainName', 'user_domain_name', 'ex_domain_name'],
    doc: 'Domain of the user, by name.',
  }),
  tenantDomain: optionalText({
    default: null,
    aliases: ['tenant_domain_id', 'project_domain_id', 'ex_tenant_domain_id'],
    doc: 'Domain of the project, by id.',
  }),
  serviceType: optionalText({
    default: null,
    aliases: ['ex_force_service_type'],
    doc: 'Type of the service in the catalog.',
  }),
  serviceName: optionalText({
    default: null,
    aliases: ['ex_force_service_name'],
    doc: 'Name of the service in the catalog.',
  }),
  interface: optionalChoice(['public', 'internal', 'admin'], {
    default: null,
    aliases: ['endpoint_type'],
    doc: 'Interface of the catalog for transfers.',
  }),
  useInternalUrl: flag({ default: false, doc: "libcloud's name of `interface: 'internal'`." }),
  keyId: setting('text or null', orNone(parseVersion), {
    default: null,
    aliases: ['user_id', 'userId'],
    role: 'credential',
    doc: "Number of the key at Nimbus.io; or `user: 'alice:5001'`.",
  }),
  tempUrlKey: optionalText({
    default: null,
    aliases: ['ex_temp_url_key'],
    secret: true,
    role: 'credential',
    doc: 'Key that signs temporary URLs of Swift.',
  }),
  signatureVersion: setting<'2' | '4' | null>('2, 4 or null', orNone(parseSignature), {
    default: null,
    doc: 'Version of the signature; null = the newest version that services of this type accept.',
  }),
  querystringAuth: setting('true, false or null', orNone(parseFlag), {
    default: null,
    doc: 'Whether URLs are signed; null = the default of the type.',
  }),
  caCerts: setting<readonly string[]>('path or list of paths', parsePaths, {
    default: [],
    aliases: ['ca_cert', 'caCert'],
    role: 'destination',
    doc: 'PEM file of the certificate authorities to trust, or a list of files of which the first existing one is used.',
  }),
  timeout: optionalSeconds({ default: null, doc: 'A try fails after this time without progress.' }),
}

function address(doc: string, aliases: readonly string[]): Setting<string | null> {
  return optionalWord({ default: null, aliases, shown: shownAddress, role: 'destination', doc })
}

function orNone<V>(parse: (raw: unknown) => V): (raw: unknown) => V | null {
  return raw => (raw === null || raw === '' || raw === 'None' ? null : parse(raw))
}

/** A secret on one line, or the text of a PEM or JSON file. */
function parseKey(raw: unknown): string | null {
  if (raw === null || raw === '') return null
  if (typeof raw !== 'string') throw new Error('expected text')
  const text = raw.trim()
  if (text.startsWith('-----BEGIN ') || text.startsWith('{')) return text
  return parsePlace(text) || null
}

/** A version as text; a number becomes its text. */
function parseVersion(raw: unknown): string {
  if (typeof raw === 'number') return Number.isInteger(raw) ? String(raw) : raw.toFixed(1)
  if (typeof raw === 'string') return parsePlace(raw.trim())
  throw new Error('expected text')
}

function parseSignature(raw: unknown): '2' | '4' {
  const text = String(raw).trim()
  if (text === '2' || text === '4') return text
  throw new Error('expected 2 or 4')
}

function parsePaths(raw: unknown): readonly string[] {
  if (raw === null || raw === '') return []
  if (typeof raw === 'string') return [parsePlace(raw)]
  if (Array.isArray(raw)) return raw.map(parsePlace)
  throw new Error('expected a path or a list of paths')
}
