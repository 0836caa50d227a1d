import {
  AccountSASPermissions,
  BlobSASPermissions,
  ContainerSASPermissions,
  generateAccountSASQueryParameters,
  generateBlobSASQueryParameters,
  type SASProtocol,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { describe, expect, test } from 'vitest'
import type { DelegationKey } from '../../../src/backends/azure/credentials/delegation-key.ts'
import { accountSas, delegationSas, serviceSas } from '../../../src/backends/azure/sas.ts'
import { SharedKey, signSharedKey } from '../../../src/backends/azure/sign.ts'
import { encodeKey } from '../../../src/remote/sign/encode.ts'
import { encodeQuery } from '../../../src/remote/sign/query.ts'
import { Official } from './official.ts'
import { Picker } from './sample.ts'

const ENDPOINTS = [
  'https://ACCOUNT.blob.core.windows.net',
  'http://127.0.0.1:10000/ACCOUNT',
  'https://ACCOUNT-secondary.blob.core.chinacloudapi.cn',
  'http://azurite:10000/ACCOUNT',
  'https://gateway.example/a%20b/ACCOUNT',
]
// Without content-encoding and content-language, which the official client signs in another order than the reference (and Python's) has.
const STANDARD = [
  ...['content-md5', 'content-type', 'if-modified-since', 'if-match'],
  ...['if-none-match', 'if-unmodified-since', 'range', 'accept', 'x-other', 'x-ms', 'origin'],
]
const OURS = [
  ...['x-ms-version', 'x-ms-blob-type', 'x-ms-copy-source', 'x-ms-lease-id', 'x-ms-client-request-id', 'x-ms-range'],
  ...['x-ms-blob-content-type', 'x-ms-blob-content-md5', 'x-ms-if-tags', 'x-ms-tags', 'x-ms-access-tier', 'x-ms-a'],
]
const PARAMETERS = [
  'comp',
  'restype',
  'prefix',
  'Delimiter',
  'marker',
  'blockid',
  'snapshot',
  'versionid',
  'Timeout',
  'x-Y_z.1~',
]

function headersOf(pick: Picker): Record<string, string> {
  const headers: Record<string, string> = {}
  const value = (): string =>
    `${pick.of(['', ' ', '\t'])}v${pick.letters('abZ09 \t/+=,;:"\'~', 12)}${pick.of(['', ' '])}`
  for (let left = pick.below(5); left > 0; left--) headers[pick.of(STANDARD)] = value()
  for (let left = pick.below(5); left > 0; left--) headers[pick.of(OURS)] = value()
  // Names of metadata are identifiers, and differ in what the service's order passes over.
  for (let left = pick.below(6); left > 0; left--) headers[`x-ms-meta-${pick.letters('ab_019', 4)}`] = value()
  const length = pick.maybe(() => String(pick.of([0, 1, 8_388_608])))
  if (length !== undefined) headers['content-length'] = length
  return headers
}

describe('Shared Key', () => {
  test('signs 1,500 requests like the official client', async () => {
    const pick = new Picker(20_261)
    for (let round = 0; round < 1500; round++) {
      const account = pick.letters('abc019', 12)
      const keyText = pick.key()
      const endpoint = pick.of(ENDPOINTS).replace('ACCOUNT', account)
      const query = new Map(
        pick.maybe(() => Array.from({ length: pick.below(6) }, () => [pick.of(PARAMETERS), pick.text(8)])),
      )
      const path = pick.of(['', '/media', `/media/${encodeKey(pick.name())}`, `/$root/${encodeKey(pick.name())}`])
      const url = endpoint + path + (query.size === 0 ? '' : `?${encodeQuery([...query])}`)
      const method = pick.of(['GET', 'HEAD', 'PUT', 'POST', 'DELETE'])
      const official = new Official(endpoint, account, keyText)
      const theirs = await official.sign(method, url, headersOf(pick))
      const { authorization, ...headers } = theirs
      const request = {
        method,
        path: (endpoint + path).replace(/^[a-z]+:\/\/[^/]+/, '') || '/',
        query: [...query],
        headers,
      }
      const ours = signSharedKey(request, new SharedKey(account, keyText), new Date(headers['x-ms-date']!))
      expect(ours, JSON.stringify({ url, headers })).toEqual({ authorization, 'x-ms-date': headers['x-ms-date'] })
    }
  })
})

/** Without what is undefined, as their types want it. */
function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

const VERSIONS = [
  '2018-11-09',
  '2019-12-12',
  '2020-02-10',
  '2020-12-06',
  '2021-12-02',
  '2025-07-05',
  '2025-11-05',
  '2026-04-06',
  '2026-10-06',
]
/** From this version on each letter and an encryption scope are there. */
const ALL = '2021-04-10'

function common(pick: Picker, within: readonly [Date, Date]) {
  const version = pick.of(VERSIONS)
  const isNew = version >= ALL
  const [from, to] = within.map(Number) as [number, number]
  const expiresAt = new Date(from + 2000 + pick.below(to - from - 2000))
  const startsAt = pick.maybe(() => new Date(from + pick.below(expiresAt.getTime() - from - 1000)))
  const ip = pick.maybe(() => ({ start: '10.0.0.1', ...pick.maybe(() => ({ end: '10.255.0.255' })) }))
  const protocol = pick.maybe(() => pick.of(['https', 'https,http'] as const))
  const encryptionScope = isNew ? pick.maybe(() => pick.text(6)) : undefined
  return {
    ours: {
      expiresAt,
      startsAt,
      ip: ip && [ip.start, ip.end].filter(Boolean).join('-'),
      protocol,
      version,
      encryptionScope,
    },
    theirs: {
      expiresOn: expiresAt,
      startsOn: startsAt,
      ipRange: ip,
      protocol: protocol as SASProtocol,
      version,
      encryptionScope,
    },
    isNew,
  }
}

function ofBlob(pick: Picker, isNew: boolean) {
  const blob = pick.maybe(() => pick.name())
  const container = pick.of(['media', '$root', '$web', 'a-1'])
  const at =
    blob === undefined || !isNew ? undefined : pick.maybe(() => pick.date().toISOString().replace('Z', '0000Z'))
  const snapshot = pick.maybe(() => at)
  const versionId = snapshot === undefined ? at : undefined
  const letters = isNew ? (blob === undefined ? 'racwdxltmeiyf' : 'racwdxtmeiy') : 'racwd'
  const permissions = pick.letters(letters, 8)
  const headers = {
    cacheControl: pick.maybe(() => pick.text(6)),
    contentDisposition: pick.maybe(() => `attachment; filename="${pick.text(6)}"`),
    contentEncoding: pick.maybe(() => pick.text(3)),
    contentLanguage: pick.maybe(() => pick.text(3)),
    contentType: pick.maybe(() => `text/${pick.text(3)}`),
  }
  // Their parsers refuse a letter that is there twice.
  const once = [...new Set(permissions)].join('')
  return {
    ours: { container, blob, snapshot, versionId, permissions, ...headers },
    theirs: {
      ...{ containerName: container, blobName: blob, snapshotTime: snapshot, versionId, ...headers },
      permissions: (blob === undefined ? ContainerSASPermissions : BlobSASPermissions).parse(once),
    },
  }
}

/** Their query with what `encodeURIComponent` leaves written as ours. */
const strict = (query: object): string =>
  String(query).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

const YEARS = [new Date('2020-01-01'), new Date('2099-01-01')] as const

describe('a SAS is that of the official client', () => {
  test('for 1,500 blobs and containers', () => {
    const pick = new Picker(11)
    for (let round = 0; round < 1500; round++) {
      const { ours, theirs, isNew } = common(pick, YEARS)
      const of = ofBlob(pick, isNew)
      const account = pick.letters('abc019', 12)
      const key = pick.key()
      const identifier = pick.maybe(() => pick.text(6))
      const left =
        identifier !== undefined && pick.random() < 0.5 ? { permissions: undefined, expiresAt: undefined } : {}
      const theirsLeft =
        'expiresAt' in left ? { permissions: undefined, expiresOn: undefined, startsOn: undefined } : {}
      const oursLeft = 'expiresAt' in left ? { ...left, startsAt: undefined } : {}
      const expected = generateBlobSASQueryParameters(
        given({ ...theirs, ...of.theirs, identifier, ...theirsLeft }),
        new StorageSharedKeyCredential(account, key),
      )
      const got = serviceSas(new SharedKey(account, key), { ...ours, ...of.ours, identifier, ...oursLeft })
      expect(got, JSON.stringify({ ours, of: of.ours })).toBe(strict(expected))
    }
  })

  test('for 1,000 accounts', () => {
    const pick = new Picker(12)
    for (let round = 0; round < 1000; round++) {
      const { ours, theirs, isNew } = common(pick, YEARS)
      const account = pick.letters('abc019', 12)
      const key = pick.key()
      const permissions = pick.letters(isNew ? 'rwdxftlacupiy' : 'rwdlacup', 9)
      const services = pick.letters('bqtf', 4)
      const resourceTypes = pick.letters('sco', 3)
      const once = (text: string): string => [...new Set(text)].join('')
      const expected = generateAccountSASQueryParameters(
        given({
          ...{ ...theirs, services: once(services), resourceTypes: once(resourceTypes) },
          permissions: AccountSASPermissions.parse(once(permissions)),
        }),
        new StorageSharedKeyCredential(account, key),
      )
      const got = accountSas(new SharedKey(account, key), { ...ours, permissions, services, resourceTypes })
      expect(got, JSON.stringify(ours)).toBe(strict(expected))
    }
  })

  test('for 1,500 blobs and containers with a delegation key', () => {
    const pick = new Picker(13)
    for (let round = 0; round < 1500; round++) {
      const startsAt = new Date(Math.floor(pick.date().getTime() / 1000) * 1000)
      const key: DelegationKey = {
        ...{ objectId: pick.text(9), tenantId: pick.text(9), startsAt, value: pick.key(), service: 'b' },
        ...{ expiresAt: new Date(startsAt.getTime() + 604_800_000), version: pick.of(VERSIONS) },
      }
      const { ours, theirs, isNew } = common(pick, [key.startsAt, key.expiresAt])
      const of = ofBlob(pick, isNew)
      const expected = generateBlobSASQueryParameters(
        given({ ...theirs, ...of.theirs }),
        {
          ...{ signedObjectId: key.objectId, signedTenantId: key.tenantId, signedStartsOn: key.startsAt },
          ...{
            signedExpiresOn: key.expiresAt,
            signedService: key.service,
            signedVersion: key.version,
            value: key.value,
          },
        },
        'anaccount',
      )
      const got = delegationSas('anaccount', key, { ...ours, ...of.ours })
      expect(got, JSON.stringify({ ours, of: of.ours })).toBe(strict(expected))
    }
  })
})
