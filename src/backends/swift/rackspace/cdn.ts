import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../../core/call.ts'
import { StorageError } from '../../../core/errors.ts'
import type { HttpClient } from '../../../http/request.ts'
import type { Expected } from '../../../remote/answers.ts'
import { countOf, headerTextOf } from '../../../remote/headers.ts'
import { endpointUrl } from '../../../remote/openstack/catalog.ts'
import type { Session } from '../../../remote/openstack/session.ts'
import { EMPTY, type Sessions, SwiftClient } from '../client.ts'
import { swiftErrorOf } from '../errors.ts'
import { isOn } from '../headers.ts'

/** How a container is published at the CDN. */
export interface CdnState {
  readonly enabled: boolean
  /** The container's address over http, without a trailing slash, like the other addresses. */
  readonly uri: string | undefined
  /** The same over https. */
  readonly sslUri: string | undefined
  readonly streamingUri: string | undefined
  readonly iosUri: string | undefined
  /** Seconds for which the CDN caches files. */
  readonly ttlSecs: number | undefined
  readonly logRetention: boolean
}

/** Options of publishing a container. */
export interface CdnOptions {
  /** Seconds for which the CDN caches files, from 900 to 31,536,000. Default: unchanged, or the service's own, 259,200 (3 days). */
  readonly ttlSecs?: number | undefined
  /** Whether logs of requests are stored in the container `.CDN_ACCESS_LOGS`. */
  readonly logRetention?: boolean | undefined
}

/** Headers of an answer about a published container; an HTML page does not have them. */
const OWN = ['x-cdn-enabled', 'x-cdn-uri', 'x-cdn-ssl-uri'] as const
const STATE: Expected = { statuses: [200, 204], fileHas: OWN }
const PUBLISHED: Expected = { statuses: [201, 202], fileHas: [...OWN, 'x-trans-id'] }
const PURGED: Expected = { statuses: [200, 202, 204] }

/** The CDN of Rackspace: the account at its own address, with the same token. (Cloud Files CDN API) */
export class Cdn {
  readonly #client: SwiftClient

  constructor(identity: Sessions, http: HttpClient) {
    this.#client = new SwiftClient({ identity: new CdnSessions(identity), creates: new Map() }, http)
  }

  /** The publication of a container; undefined if it was never published. */
  async state(container: string, ctx: CallContext): Promise<CdnState | undefined> {
    try {
      return stateOf(await this.#client.done({ method: 'HEAD', place: { container }, expected: STATE }, ctx))
    } catch (error) {
      if (swiftErrorOf(error)?.status === 404) return undefined
      throw error
    }
  }

  /** Publishes a container, or changes its publication. */
  async enable(container: string, { ttlSecs, logRetention }: CdnOptions, ctx: CallContext): Promise<void> {
    const headers: Record<string, string> = { 'x-cdn-enabled': 'True' }
    if (ttlSecs !== undefined) headers['x-ttl'] = String(checkTtl(ttlSecs))
    if (logRetention !== undefined) headers['x-log-retention'] = logRetention ? 'True' : 'False'
    await this.#put(container, headers, ctx)
  }

  /** Removes a container from the CDN. Cached files remain there until they expire. */
  disable(container: string, ctx: CallContext): Promise<void> {
    return this.#put(container, { 'x-cdn-enabled': 'False' }, ctx)
  }

  /** Removes a file from the CDN's cache. The service sends a message to `email` when it is done. */
  async purge(container: string, key: string, email: string | undefined, ctx: CallContext): Promise<void> {
    const headers: Record<string, string> = email === undefined ? {} : { 'x-purge-email': email }
    await this.#client.done({ method: 'DELETE', place: { container, key }, headers, expected: PURGED }, ctx)
  }

  async #put(container: string, headers: Readonly<Record<string, string>>, ctx: CallContext): Promise<void> {
    await this.#client.done({ method: 'PUT', place: { container }, headers, body: EMPTY, expected: PUBLISHED }, ctx)
  }
}

/** Checks a cache lifetime. Code `invalid_argument` for one that the service does not accept. */
export function checkTtl(secs: number): number {
  if (Number.isInteger(secs) && secs >= 900 && secs <= 31_536_000) return secs
  throw new StorageError('invalid_argument', `ttlSecs: expected 900 to 31536000 seconds, got ${secs}.`)
}

function stateOf(headers: IncomingHttpHeaders): CdnState {
  const uri = (name: string) => endpointUrl(headerTextOf(headers[name]) ?? '')
  const [plain, sslUri] = [uri('x-cdn-uri'), uri('x-cdn-ssl-uri')]
  const isKnown = headers['x-cdn-enabled'] !== undefined
  return {
    enabled: isKnown ? isOn(headers['x-cdn-enabled']) : (plain ?? sslUri) !== undefined,
    uri: plain,
    sslUri,
    streamingUri: uri('x-cdn-streaming-uri'),
    iosUri: uri('x-cdn-ios-uri'),
    ttlSecs: countOf(headerTextOf(headers['x-ttl'])),
    logRetention: isOn(headers['x-log-retention']),
  }
}

/** Sessions whose account is at the address of the CDN. */
class CdnSessions implements Sessions {
  readonly #identity: Sessions
  readonly #own: WeakMap<Session, Session> = new WeakMap()
  readonly #originals: WeakMap<object, Session> = new WeakMap()

  constructor(identity: Sessions) {
    this.#identity = identity
  }

  session(ctx: CallContext): Session | Promise<Session> {
    const session = this.#identity.session(ctx)
    return session instanceof Promise ? session.then(found => this.#moved(found)) : this.#moved(session)
  }

  drop(session: unknown): boolean {
    return this.#identity.drop(this.#originals.get(session as object))
  }

  get secrets(): ReadonlyArray<string | undefined> {
    return this.#identity.secrets
  }

  #moved(session: Session): Session {
    const { cdnUrl } = session
    if (cdnUrl === undefined) {
      throw new StorageError(
        'unsupported',
        'The catalog of the identity service has no CDN (rax:object-cdn) in this region.',
      )
    }
    const moved = this.#own.get(session) ?? { ...session, storageUrl: cdnUrl }
    this.#own.set(session, moved)
    this.#originals.set(moved, session)
    return moved
  }
}
