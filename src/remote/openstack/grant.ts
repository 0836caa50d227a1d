import type { IncomingHttpHeaders } from 'node:http'
import { StorageError } from '../../core/errors.ts'
import { textOf } from '../answers.ts'
import type { AuthDocument } from '../auth-service.ts'
import { countOf, dateOf, headerTextOf } from '../headers.ts'
import type { AuthVersion } from './auth-version.ts'
import { type Endpoint, endpointsOfV2, endpointsOfV3, endpointsOfV11, endpointUrl, fieldsOf } from './catalog.ts'

/** The result of one authentication. */
export interface Grant {
  /** Secret. */
  readonly token: string
  /** By this machine's clock; undefined if the service does not report it. */
  readonly expiresAt: Date | undefined
  readonly endpoints: readonly Endpoint[]
  /** Whether the endpoints are a catalog with regions and interfaces. Version 1 returns a single address. */
  readonly isCatalog: boolean
}

/** The grant in the headers of version 1: the account's address, its token, and the CDN address at Rackspace. (Swift, "Auth System") */
export function grantOfV1(headers: IncomingHttpHeaders): Grant {
  const url = endpointUrl(headerTextOf(headers['x-storage-url']) ?? '')
  if (url === undefined) throw noGrant('the answer has no X-Storage-Url that is an http or https URL')
  const side = { name: undefined, region: undefined, interface: 'public' } as const
  const cdn = endpointUrl(headerTextOf(headers['x-cdn-management-url']) ?? '')
  const lifeSecs = countOf(headerTextOf(headers['x-auth-token-expires']) ?? '')
  return {
    token: tokenOf(headers['x-auth-token'] ?? headers['x-storage-token']),
    expiresAt: lifeSecs === undefined ? undefined : endOf(lifeSecs * 1000),
    endpoints: [
      { ...side, type: 'object-store', url },
      ...(cdn === undefined ? [] : [{ ...side, type: 'rax:object-cdn', url: cdn }]),
    ],
    isCatalog: false,
  }
}

/** The grant in the JSON of the other versions. Version 3 returns its token in a header. */
export function grantOf(version: Exclude<AuthVersion, 1>, { headers, value }: AuthDocument): Grant {
  if (version === 3) {
    const { expires_at: end, catalog } = fieldsOf(value['token'])
    const token = tokenOf(headers['x-subject-token'])
    return { token, expiresAt: expiryOf(end, headers), endpoints: endpointsOfV3(catalog), isCatalog: true }
  }
  const { token, serviceCatalog } = fieldsOf(value[version === 2 ? 'access' : 'auth'])
  const { id, expires } = fieldsOf(token)
  const endpoints = version === 2 ? endpointsOfV2(serviceCatalog) : endpointsOfV11(serviceCatalog)
  return { token: tokenOf(id), expiresAt: expiryOf(expires, headers), endpoints, isCatalog: true }
}

function tokenOf(given: unknown): string {
  const token = textOf(given)
  if (token === undefined || /[^!-~]/.test(token)) throw noGrant('the answer has no token that a header can carry')
  return token
}

/**
 * When a token ends, by this machine's clock: now plus the lifetime by the service's clock. Undefined if the value is not a time in the
 * future.
 */
function expiryOf(given: unknown, headers: IncomingHttpHeaders): Date | undefined {
  const end = dateOf(textOf(given))
  if (end === undefined) return undefined
  const lifeMs = end.getTime() - (dateOf(headers.date)?.getTime() ?? Date.now())
  return lifeMs > 0 ? endOf(lifeMs) : undefined
}

/** Longest lifetime that is accepted, in milliseconds: 10 years. */
const LONGEST_MS = 315_360_000_000

function endOf(lifeMs: number): Date {
  return new Date(Date.now() + Math.min(lifeMs, LONGEST_MS))
}

function noGrant(text: string): StorageError {
  return new StorageError('unavailable', `The identity service: ${text}.`, { outcome: 'not_applied' })
}
