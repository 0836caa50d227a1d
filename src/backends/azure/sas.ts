import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { hasControls } from '../../core/header-text.ts'
import { HmacSha256 } from '../../remote/sign/hmac.ts'
import { encodeQuery } from '../../remote/sign/query.ts'
import { type DelegationKey, seconds } from './credentials/delegation-key.ts'
import type { SharedKey } from './sign.ts'

/** Options of every SAS. Default: no start time. */
export interface SasOptions {
  /** Letters in any order, `rw`. Optional only with `identifier`. */
  readonly permissions?: string | undefined
  /** Rounded to whole seconds. Optional only with `identifier`. */
  readonly expiresAt?: Date | undefined
  readonly startsAt?: Date | undefined
  /** One address, or the first and the last of a range: `10.0.0.1-10.0.0.9`. */
  readonly ip?: string | undefined
  readonly protocol?: 'https' | 'https,http' | undefined
  /** Default: `SAS_VERSION`. Minimum: 2018-11-09. */
  readonly version?: string | undefined
  /** From version 2020-12-06. */
  readonly encryptionScope?: string | undefined
}

/** A SAS for a container or for one blob. */
export interface BlobSasOptions extends SasOptions {
  readonly container: string
  /** The plain name, not encoded. Absent for all blobs of the container. */
  readonly blob?: string | undefined
  readonly snapshot?: string | undefined
  readonly versionId?: string | undefined
  /** A stored access policy of the container. */
  readonly identifier?: string | undefined
  /** Headers of the answer. */
  readonly cacheControl?: string | undefined
  readonly contentDisposition?: string | undefined
  readonly contentEncoding?: string | undefined
  readonly contentLanguage?: string | undefined
  readonly contentType?: string | undefined
}

/** A SAS for a whole account. */
export interface AccountSasOptions extends SasOptions {
  /** `b` blobs, `q` queues, `t` tables, `f` files; in any order. */
  readonly services: string
  /** `s` service, `c` containers, `o` objects; in any order. */
  readonly resourceTypes: string
}

/** Default version of the SAS: the newest format of a service SAS, which emulators also support. */
export const SAS_VERSION = '2021-12-02'

const BLOB_LETTERS = 'racwdxtmeiy'
const CONTAINER_LETTERS = 'racwdxltmeiyf'
const ACCOUNT_LETTERS = 'rwdxftlacupiy'

/** The query of a SAS signed with an account's key. (https://learn.microsoft.com/rest/api/storageservices/create-service-sas) */
export function serviceSas(key: SharedKey, options: BlobSasOptions): string {
  const { permissions, version, limits, scope } = checkedSas(options, lettersOf(options), !options.identifier)
  const { resource, time, path } = resourceOf(options, key.account)
  const headers = answerHeaders(options)
  const { st, se, sip, spr } = limits
  const before = [permissions, st, se, path, options.identifier, sip, spr, version, resource, time]
  const sig = key.sign(joinLines([...before, ...scope, ...Object.values(headers)]))
  const si = options.identifier
  const ses = options.encryptionScope
  return sasQuery({ sv: version, ...limits, si, ses, sr: resource, sp: permissions, ...headers, sig })
}

/** The query of a SAS for an account. (https://learn.microsoft.com/rest/api/storageservices/create-account-sas) */
export function accountSas(key: SharedKey, options: AccountSasOptions): string {
  const { permissions, version, limits, scope } = checkedSas(options, ACCOUNT_LETTERS, true)
  const ss = ordered('services', options.services, 'btqf')
  const srt = ordered('resourceTypes', options.resourceTypes, 'sco')
  const { st, se, sip, spr } = limits
  const sig = key.sign(joinLines([key.account, permissions, ss, srt, st, se, sip, spr, version, ...scope, '']))
  return sasQuery({ sv: version, ss, srt, ...limits, ses: options.encryptionScope, sp: permissions, sig })
}

/**
 * The query of a SAS signed with a delegation key (https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas). Code
 * `invalid_argument` for a SAS that would end after the key or start before it, and for a stored access policy, which it cannot have.
 */
export function delegationSas(account: string, key: DelegationKey, options: BlobSasOptions): string {
  if (options.identifier) throw refusal('identifier: a SAS of a delegation key cannot use a stored access policy')
  const { permissions, version, limits, scope } = checkedSas(options, lettersOf(options), true)
  const { st, se, sip, spr } = limits
  const ofKey = {
    skoid: key.objectId,
    sktid: key.tenantId,
    skt: seconds(key.startsAt),
    ske: seconds(key.expiresAt),
    sks: key.service,
    skv: key.version,
  }
  if (se! > ofKey.ske) throw refusal(`expiresAt: the delegation key ends at ${ofKey.ske}`)
  if (st && st < ofKey.skt) throw refusal(`startsAt: the delegation key starts at ${ofKey.skt}`)
  const { resource, time, path } = resourceOf(options, account)
  const headers = answerHeaders(options)
  // Positions of unused fields: agents and a correlation id, the user of another tenant, required headers and parameters of a request.
  const agents = version >= '2020-02-10' ? ['', '', ''] : []
  const user = version >= '2025-07-05' ? ['', ''] : []
  const demands = version >= '2026-04-06' ? ['', ''] : []
  const before = [permissions, st, se, path, ...Object.values(ofKey), ...agents, ...user]
  const after = [sip, spr, version, resource, time, ...scope, ...demands, ...Object.values(headers)]
  const sig = new HmacSha256(Buffer.from(key.value, 'base64')).sign(joinLines([...before, ...after]), 'base64')
  const ses = options.encryptionScope
  return sasQuery({ sv: version, ...limits, ses, ...ofKey, sr: resource, sp: permissions, ...headers, sig })
}

/** The end of a SAS with a lifetime in seconds from `now`: whole seconds, rounded up, so that none is lost. */
export function sasEnd(now: Date, lifeSecs: number): Date {
  return new Date(Math.ceil(now.getTime() / 1000 + lifeSecs) * 1000)
}

/**
 * Checks a SAS of the user. Returns it unchanged, except for a leading `?` and blanks around it, for use in a query. Code
 * `improperly_configured`, with the setting and never the text, if it is not a SAS.
 */
export function givenSas(text: string, setting: string): string {
  const sas = text.trim().replace(/^\?/, '')
  const isSas = /(?:^|&)sig=[^&]/.test(sas) && /^[\x21-\x7e]+$/.test(sas) && !/[#?]/.test(sas)
  if (isSas) return sas
  throw new ImproperlyConfigured(`${setting} must be a SAS token, as in sv=...&sp=r&sig=..., without the URL before it`)
}

interface CheckedSas {
  readonly permissions: string
  readonly version: string
  /** Parameters that limit the use. */
  readonly limits: Readonly<Record<'spr' | 'st' | 'se' | 'sip', string | undefined>>
  /** The line of the encryption scope, in versions that have it. */
  readonly scope: ReadonlyArray<string | undefined>
}

function checkedSas(options: SasOptions, letters: string, needsAll: boolean): CheckedSas {
  const { permissions = '', startsAt, expiresAt, version = SAS_VERSION, protocol, ip, encryptionScope } = options
  if (!/^\d{4}-\d\d-\d\d$/.test(version) || version < '2018-11-09')
    throw refusal('version: expected 2018-11-09 or later')
  if (needsAll && permissions === '') throw refusal('permissions: expected at least one letter')
  if (needsAll && expiresAt === undefined) throw refusal('expiresAt: expected a date')
  if (protocol !== undefined && protocol !== 'https' && protocol !== 'https,http') {
    throw refusal("protocol: expected 'https' or 'https,http'")
  }
  const hasScope = version >= '2020-12-06'
  if (encryptionScope && !hasScope) throw refusal('encryptionScope: needs version 2020-12-06 or later')
  const st = timeOf('startsAt', startsAt)
  const se = timeOf('expiresAt', expiresAt)
  if (st && se && st >= se) throw refusal('expiresAt: expected a time after startsAt')
  for (const [name, value] of Object.entries(options)) {
    // A line feed would move the following fields to another line of the signed text.
    if (typeof value === 'string' && hasControls(value))
      throw refusal(`${name}: expected a text without control characters`)
  }
  return {
    permissions: ordered('permissions', permissions, letters),
    version,
    limits: { spr: protocol, st, se, sip: ip },
    scope: hasScope ? [encryptionScope] : [],
  }
}

function timeOf(name: string, time: Date | undefined): string | undefined {
  if (time === undefined) return undefined
  const year = time.getUTCFullYear()
  if (year >= 1601 && year <= 9999) return seconds(time)
  throw refusal(`${name}: expected a valid date of at most the year 9999`)
}

function lettersOf({ blob }: BlobSasOptions): string {
  return blob === undefined ? CONTAINER_LETTERS : BLOB_LETTERS
}

/** The letters in the service's order, without duplicates. */
function ordered(name: string, given: string, letters: string): string {
  for (const letter of given) {
    if (!letters.includes(letter)) throw refusal(`${name}: expected letters of '${letters}', got '${given}'`)
  }
  return [...letters].filter(letter => given.includes(letter)).join('')
}

function resourceOf({ container, blob, snapshot, versionId }: BlobSasOptions, account: string) {
  if (blob === undefined) {
    if (snapshot || versionId) throw refusal('snapshot and versionId: expected with a blob')
    return { resource: 'c', time: '', path: `/blob/${account}/${container}` }
  }
  const resource = snapshot ? 'bs' : versionId ? 'bv' : 'b'
  return { resource, time: snapshot || versionId || '', path: `/blob/${account}/${container}/${blob}` }
}

function answerHeaders(options: BlobSasOptions): Record<string, string | undefined> {
  return {
    rscc: options.cacheControl,
    rscd: options.contentDisposition,
    rsce: options.contentEncoding,
    rscl: options.contentLanguage,
    rsct: options.contentType,
  }
}

function joinLines(lines: ReadonlyArray<string | undefined>): string {
  return lines.map(line => line ?? '').join('\n')
}

/** The parameters with a value, in their order. */
function sasQuery(parameters: Readonly<Record<string, string | undefined>>): string {
  return encodeQuery(Object.entries(parameters).filter(([, value]) => value))
}

function refusal(message: string): StorageError {
  return new StorageError('invalid_argument', message)
}
