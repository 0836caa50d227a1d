/**
 * Shared access signatures: of an account, of a service, by a user delegation key
 * (https://learn.microsoft.com/rest/api/storageservices/delegate-access-with-shared-access-signature).
 */
import { createHmac } from 'node:crypto'
import type { ServerState } from './context.ts'
import { notAuthenticated, notAuthorized } from './errors.ts'
import type { AzureRequest } from './request.ts'
import { hmac, isSame } from './shared-key.ts'

type Query = Readonly<Record<string, string | undefined>>

/** What a valid SAS allows. */
export interface SasToken {
  readonly type: 'account' | 'service' | 'delegation'
  readonly permissions: string
  /** `b`, `bs`, `bv`, `c` or `d`; of an account's SAS its `srt`. */
  readonly resource: string
}

/** Whether a query has a SAS. */
export function hasSas(query: Query): boolean {
  return query['sig'] !== undefined || query['sv'] !== undefined
}

const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?Z)?$/

function timeOf(name: string, text: string): number {
  if (!DATE.test(text)) throw notAuthenticated(`${name} is not a date in UTC.`)
  return Date.parse(text)
}

/** Verifies the SAS of a request, in all that does not depend on what is asked. */
export function verifySas(request: AzureRequest, state: ServerState): SasToken {
  const { query } = request
  const version = query['sv'] ?? ''
  if (!/^20\d\d-\d\d-\d\d$/.test(version) || version < '2015-04-05') throw notAuthenticated('sv is not a version.')
  if (version > (state.options.newestVersion ?? '2026-10-06')) throw notAuthenticated('sv is not a version yet.')
  const signature = query['sig'] ?? ''
  const token = tokenOf(query, version)
  const isRight =
    token.type === 'delegation'
      ? isSame(hmac(delegationKey(state, query), delegationText(request, version)), signature)
      : state.keys.some(key =>
          isSame(
            hmac(key, token.type === 'account' ? accountText(request, version) : serviceText(request, version)),
            signature,
          ),
        )
  if (!isRight) throw notAuthenticated('Signature did not match.')
  checkTimes(query, token, state.now())
  checkWhere(query, request.remoteAddress)
  return token
}

function tokenOf(query: Query, version: string): SasToken {
  const permissions = query['sp'] ?? ''
  if (query['se'] === undefined || permissions === '') throw notAuthenticated('se and sp are mandatory.')
  if (query['ss'] !== undefined) {
    if (!query['ss'].includes('b')) throw notAuthorized('AuthorizationServiceMismatch')
    return { type: 'account', permissions, resource: query['srt'] ?? '' }
  }
  const resource = query['sr'] ?? ''
  if (!['b', 'bs', 'bv', 'c', 'd'].includes(resource)) throw notAuthenticated('sr is not a resource.')
  if (query['skoid'] === undefined) return { type: 'service', permissions: inOrder(permissions), resource }
  if (version < '2018-11-09') throw notAuthenticated('sv knows no user delegation.')
  return { type: 'delegation', permissions: inOrder(permissions), resource }
}

/** Permissions in the order that the service wants, each once; the rarer ones are left alone. */
function inOrder(permissions: string): string {
  const known = permissions.replaceAll(/[^racwdxlt]/g, '')
  const sorted = [...'racwdxlt'].filter(letter => known.includes(letter)).join('')
  if (sorted !== known) throw notAuthenticated('sp is not in the order of permissions.')
  return permissions
}

function checkTimes(query: Query, { type }: SasToken, now: number): void {
  const end = timeOf('se', query['se'] ?? '')
  if (now >= end) throw notAuthenticated('Signed expiry time has to be after the current time.')
  if (query['st'] !== undefined && timeOf('st', query['st']) > now)
    throw notAuthenticated('Signed start time is in the future.')
  if (type !== 'delegation') return
  const [start, expiry] = [timeOf('skt', query['skt'] ?? ''), timeOf('ske', query['ske'] ?? '')]
  if (now < start || now >= expiry) throw notAuthenticated('The user delegation key is not valid now.')
  if (end > expiry) throw notAuthenticated('The signature ends after the key that signed it.')
}

function checkWhere(query: Query, remoteAddress: string): void {
  // This server speaks plain HTTP only.
  if (query['spr'] === 'https') throw notAuthorized('AuthorizationProtocolMismatch')
  if (query['spr'] !== undefined && query['spr'] !== 'https,http') throw notAuthenticated('spr is not a protocol.')
  if (query['sip'] === undefined) return
  const [from = '', to = from] = query['sip'].split('-')
  const at = numberOf(remoteAddress.replace(/^::ffff:/, ''))
  if (at < numberOf(from) || at > numberOf(to)) throw notAuthorized('AuthorizationSourceIPMismatch')
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

const RESPONSE = ['rscc', 'rscd', 'rsce', 'rscl', 'rsct']

function lines(query: Query, names: readonly string[]): string[] {
  return names.map(name => query[name] ?? '')
}

/** What a SAS is for, by name: the container, a blob in it, or a folder. */
function canonicalName({ account, container, key, query }: AzureRequest): string {
  if (query['sr'] === 'c') return `/blob/${account}/${container}`
  if (query['sr'] !== 'd') return `/blob/${account}/${container}/${key}`
  return `/blob/${account}/${container}/${key.split('/').slice(0, Number(query['sdd'])).join('/')}`
}

function timeSigned(query: Query): string {
  return query['snapshot'] ?? query['versionid'] ?? ''
}

function accountText({ account, query }: AzureRequest, version: string): string {
  const scope = version >= '2020-12-06' ? [query['ses'] ?? ''] : []
  return [account, ...lines(query, ['sp', 'ss', 'srt', 'st', 'se', 'sip', 'spr', 'sv']), ...scope, ''].join('\n')
}

function serviceText(request: AzureRequest, version: string): string {
  const { query } = request
  return [
    ...lines(query, ['sp', 'st', 'se']),
    canonicalName(request),
    ...lines(query, ['si', 'sip', 'spr', 'sv']),
    ...(version >= '2018-11-09' ? [query['sr'] ?? '', timeSigned(query)] : []),
    ...(version >= '2020-12-06' ? [query['ses'] ?? ''] : []),
    ...lines(query, RESPONSE),
  ].join('\n')
}

const KEY_FIELDS = ['skoid', 'sktid', 'skt', 'ske', 'sks', 'skv']

function delegationText(request: AzureRequest, version: string): string {
  const { query } = request
  return [
    ...lines(query, ['sp', 'st', 'se']),
    canonicalName(request),
    ...lines(query, KEY_FIELDS),
    ...(version >= '2020-02-10' ? lines(query, ['saoid', 'suoid', 'scid']) : []),
    ...(version >= '2025-07-05' ? lines(query, ['skdutid', 'sduoid']) : []),
    ...lines(query, ['sip', 'spr', 'sv', 'sr']),
    timeSigned(query),
    ...(version >= '2020-12-06' ? [query['ses'] ?? ''] : []),
    ...(version >= '2026-04-06' ? lines(query, ['srh', 'srq']) : []),
    ...lines(query, RESPONSE),
  ].join('\n')
}

/** The key whose fields are these: made of them, so that no other fields have it. */
export function delegationKey({ delegationSecret }: ServerState, fields: Query): Buffer {
  return createHmac('sha256', delegationSecret)
    .update(JSON.stringify(lines(fields, KEY_FIELDS)))
    .digest()
}
