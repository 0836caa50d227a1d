import { setTimeout as sleep } from 'node:timers/promises'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { waitMs } from '../../layers/retry.ts'
import type { CommonOptions } from '../../storage/common-settings.ts'
import type { Services } from '../../storage/types.ts'
import { sharedContext } from '../aftermath.ts'
import { AuthService } from '../auth-service.ts'
import { httpClientOf } from '../http-client.ts'
import type { ConnectionOptions } from '../options.ts'
import { Renewed } from '../token.ts'
import type { AuthPlan } from './credentials.ts'
import { type Grant, grantOf, grantOfV1 } from './grant.ts'

/** How to reach the identity service. */
export type IdentityConnection = ConnectionOptions & Pick<CommonOptions, 'timeoutSecs'>

/** A token is renewed this long before it expires, in ms. */
const EARLY_MS = 60_000
/** Maximum number of credentials whose tokens are kept in the process. */
const MOST_KEPT = 100
const PACE = { baseMs: 100, capMs: 20_000, random: Math.random }
const PURPOSE = 'authenticate'

/** The grants for one set of credentials. All storages and calls share one grant. */
export class Grants {
  readonly #plan: AuthPlan
  readonly #connection: IdentityConnection
  readonly #services: Services
  readonly #renewed: Renewed<Grant>
  #failures = 0
  #resumeMs = 0

  constructor(plan: AuthPlan, connection: IdentityConnection, services: Services) {
    this.#plan = plan
    this.#connection = connection
    this.#services = services
    this.#renewed = new Renewed(() => this.#load(), { endOf: ({ expiresAt }) => expiresAt, earlyMs: EARLY_MS })
  }

  /** The grant, without a promise if it is already loaded. */
  get(signal: AbortSignal): Grant | Promise<Grant> {
    return this.#renewed.get(signal)
  }

  /** Forgets a grant whose token was refused. */
  drop(grant: Grant): void {
    this.#renewed.drop(grant)
  }

  /** After a temporary failure, waits as long as the service asked before the next request. Callers that come meanwhile share the wait. */
  async #load(): Promise<Grant> {
    const pause = this.#resumeMs - Date.now()
    if (pause > 0) await sleep(pause)
    try {
      const grant = await this.#authenticate()
      this.#failures = 0
      return grant
    } catch (error) {
      const isPassing = isStorageError(error) && error.retryable
      this.#failures = isPassing ? this.#failures + 1 : 0
      this.#resumeMs = isPassing ? Date.now() + waitMs(this.#failures, error.retryAfterMs, PACE) : 0
      throw error
    }
  }

  /** Each token gets its own client, since the token outlives the storages. */
  async #authenticate(): Promise<Grant> {
    const { version, request } = this.#plan
    const http = httpClientOf(this.#connection, this.#services)
    const auth = new AuthService(http)
    const asked = { ...request, secrets: [...request.secrets, ...(http.secrets ?? [])] }
    try {
      if (version === 1) return grantOfV1(await auth.headers(PURPOSE, asked, sharedContext()))
      return grantOf(version, await auth.document(PURPOSE, asked, sharedContext()))
    } catch (error) {
      throw isStorageError(error) ? advised(error, this.#plan) : error
    } finally {
      await http.close()
    }
  }
}

/** The same error with the names of the settings to check. The error of a proxy (407) is returned unchanged. */
function advised(error: StorageError, { url, settings, places }: AuthPlan): StorageError {
  const { code, message, status, cause } = error
  const details = { status, cause, outcome: 'not_applied' } as const
  // The request belongs to no call, so only its time-out can have aborted it.
  if (code === 'aborted') return new StorageError('timeout', `The identity service ${url} does not answer.`, details)
  const named = code === 'permission_denied' ? settings : code === 'improperly_configured' ? places : []
  if (named.length === 0 || status === undefined || status === 407) return error
  return new StorageError(code, `${message.replace(/\.$/, '')}. Check ${named.join(', ')}.`, details)
}

/** Grants by credentials, for each client that a program passes, and for the built-in client. */
const kept = new WeakMap<object, Map<string, Grants>>()
const OWN = {}

/** The grants of a plan. Storages with equal credentials and connection settings share them. */
export function sharedGrants(plan: AuthPlan, connection: IdentityConnection, services: Services): Grants {
  const ofClient = services.httpClient ?? OWN
  const known = kept.get(ofClient) ?? new Map<string, Grants>()
  kept.set(ofClient, known)
  const key = keyOf(plan, connection, services)
  const grants = known.get(key) ?? new Grants(plan, connection, { httpClient: services.httpClient, env: services.env })
  // The grants that were used last are removed last.
  known.delete(key)
  known.set(key, grants)
  const [oldest] = known.keys()
  if (known.size > MOST_KEPT && oldest !== undefined) known.delete(oldest)
  return grants
}

function keyOf({ request }: AuthPlan, connection: IdentityConnection, { env = process.env }: Services): string {
  const { verify, proxies, connectTimeoutSecs, timeoutSecs } = connection
  const ofProxies = Object.entries(env).filter(([name]) => /^(?:https?|all|no)_proxy$/i.test(name))
  const { method, url, headers, body } = request
  return JSON.stringify([
    [method, url, headers, body],
    [verify, sorted(Object.entries(proxies)), connectTimeoutSecs, timeoutSecs],
    sorted(ofProxies),
  ])
}

function sorted<V>(entries: ReadonlyArray<[string, V]>): ReadonlyArray<[string, V]> {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
}
