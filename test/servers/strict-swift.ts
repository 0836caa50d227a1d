/**
 * A strict OpenStack Swift server in memory, for tests, with the identity services around it: auth v1, Keystone v2 and v3, and Rackspace
 * with its CDN. It checks tokens, headers, encodings and manifests the way Swift 2.30 does, and complains of what a client should never send
 * (https://docs.openstack.org/api-ref/object-store, https://docs.openstack.org/swift/latest/middleware.html).
 */

import type { LoggedRequest } from './strict/log.ts'
import { type StrictServer, type StrictService, startStrictServer } from './strict/server.ts'
import { authorize } from './strict-swift/access.ts'
import { accountsOf, keystoneCatalog, projectAccount, rackspaceCatalog } from './strict-swift/catalog.ts'
import { CdnList } from './strict-swift/cdn-list.ts'
import type { Identity, ServerState, StrictSwiftOptions } from './strict-swift/context.ts'
import { COMPLAINT, errorAnswer, failed } from './strict-swift/errors.ts'
import { RACKSPACE, TEMPAUTH } from './strict-swift/estate.ts'
import { checkKnown, headerText } from './strict-swift/headers.ts'
import { accountOf } from './strict-swift/lookup.ts'
import { errorStyle, parseRequest, type SwiftRequest } from './strict-swift/request.ts'
import { operationName, operations } from './strict-swift/routes.ts'
import { type Account, Container, md5, type StoredObject } from './strict-swift/store.ts'
import { type TokenKind, TokenList } from './strict-swift/tokens.ts'
import { checkUpload } from './strict-swift/write.ts'

export { rateLimited, unavailable } from './strict-swift/errors.ts'
export {
  APPLICATION_CREDENTIAL,
  DOMAIN,
  OTHER_PROJECT,
  PROJECT,
  RACKSPACE,
  TEMPAUTH,
  USER,
} from './strict-swift/estate.ts'
export type { LoggedRequest, StoredObject, StrictSwiftOptions }

/** What the log of the server has of each request besides. */
export interface SwiftLogged {
  readonly account: string
  readonly container: string
  /** The object's name. */
  readonly key: string
  /** Whether a TempURL let it in. */
  readonly isSigned: boolean
  /** The body, where it is JSON or a list of names. */
  readonly text: string | undefined
}

/** A running strict server. */
export interface StrictSwift extends StrictServer<SwiftRequest, SwiftLogged> {
  /** For auth v1. */
  readonly authUrl: string
  /** For Keystone, without a version: `/v2.0` and `/v3` are below it. */
  readonly identityUrl: string
  /** `http://127.0.0.1:PORT/v1/AUTH_test`, of auth v1. */
  readonly storageUrl: string
  readonly tokens: TokenList
  readonly cdn: CdnList
  /** Statuses of names, `container/object`, that a bulk delete shall not delete. */
  readonly bulkFailures: Map<string, number>
  /** Requests that no real server would take, or would take for something else; a good client causes none. */
  readonly complaints: string[]
  /** A new token of auth v1, for `AUTH_test`. */
  token(kind?: TokenKind): string
  /** An account's state, to look behind the protocol; default that of auth v1. */
  account(name?: string): Account
  /** A container's state; throws when there is none. */
  container(name?: string, account?: string): Container
  /** The object at a name; undefined when there is none. */
  object(name: string, container?: string, account?: string): StoredObject | undefined
  /** Stores an object over what is there. */
  put(name: string, bytes: Uint8Array | string, more?: PutOptions): StoredObject
  /** Names of all objects of a container, sorted. */
  names(container?: string, account?: string): string[]
}

/** How an object is stored behind the protocol. */
export interface PutOptions {
  readonly container?: string
  readonly account?: string
  readonly contentType?: string
  /** By names without `x-object-meta-`. */
  readonly metadata?: Readonly<Record<string, string>>
  /** `container/prefix` of a dynamic large object. */
  readonly manifest?: string
}

const LIMITS: ServerState['limits'] = {
  maxFileSize: 5 * 1024 ** 3 + 2,
  maxObjectName: 1024,
  maxContainerName: 256,
  listingLimit: 10_000,
  maxManifestSegments: 1000,
  minSegmentSize: 1,
  maxManifestSize: 8 * 1024 ** 2,
  maxDeletes: 10_000,
  maxFailedDeletes: 1000,
}

function stateOf(options: StrictSwiftOptions): ServerState {
  const now = options.now ?? Date.now
  let last = 0
  const state: ServerState = {
    options,
    limits: { ...LIMITS, ...options.limits },
    features: { info: true, slo: true, dlo: true, bulk: true, tempurl: true, copy: true, ...options.features },
    digests: options.allowedDigests ?? ['sha1', 'sha256', 'sha512'],
    regions: options.regions ?? ['RegionOne'],
    rackspaceRegions: options.rackspaceRegions ?? ['ORD', 'DFW', 'LON'],
    accounts: new Map(),
    tokens: new TokenList(),
    cdn: new CdnList(),
    bulkFailures: new Map(),
    complaints: [],
    running: { url: '', port: 0 },
    now,
    stamp() {
      // Tens of microseconds.
      last = Math.max(last + 1, Math.floor(now() * 100))
      return (last / 100_000).toFixed(5)
    },
  }
  const names = [TEMPAUTH.account, ...accountsOf(keystoneCatalog(state)), ...accountsOf(rackspaceCatalog(state))]
  for (const name of names) {
    const account = accountOf(state, name)
    for (const one of options.containers ?? ['media']) account.containers.set(one, new Container(one, state.stamp()))
    if (options.tempUrlKey !== undefined)
      account.meta.set('x-account-meta-temp-url-key', headerText(options.tempUrlKey))
  }
  return state
}

const ANONYMOUS: Identity = { token: undefined, tempUrl: undefined }

function serviceOf(state: ServerState): StrictService<SwiftRequest, Identity, SwiftLogged> {
  return {
    parse: parseRequest,
    operation: operationName,
    authenticate(request, operation) {
      if (operation === 'Unknown') throw failed(request.api === 'none' ? 404 : 405)
      const isOpen = request.api !== 'storage' && request.api !== 'cdn'
      const identity = isOpen ? ANONYMOUS : authorize(request, operation, state)
      checkKnown(operation, request)
      const context = { state, request, identity }
      if (operation === 'object.put') checkUpload(context, state.limits.maxFileSize)
      if (operation === 'slo.put') checkUpload(context, state.limits.maxManifestSize)
      return identity
    },
    run(operation, request, identity) {
      const work = operations[operation]
      if (work === undefined) throw failed(405)
      return work({ state, request, identity })
    },
    errorAnswer(refusal, request) {
      if (refusal.code === COMPLAINT || refusal.code === 'InternalError') {
        const what = request === undefined ? 'a request' : `${request.method} ${request.rawPath}`
        state.complaints.push(`${what}: ${refusal.message}`)
      }
      return errorAnswer(refusal, errorStyle(request))
    },
    headers: requestId => {
      const id = `tx${requestId.toLowerCase()}`
      return { 'x-trans-id': id, 'x-openstack-request-id': id, date: new Date(state.now()).toUTCString() }
    },
    logged: ({ account, container, key, headers, body, query }, identity) => {
      const isText = /^(application\/json|text\/plain)/.test(headers['content-type'] ?? '')
      const isSmall = query['multipart-manifest'] !== undefined || query['bulk-delete'] !== undefined
      const text = isText && (isSmall || account === '') ? body.toString('utf8') : undefined
      return { account, container, key, isSigned: identity?.tempUrl !== undefined, text }
    },
  }
}

/** Starts a strict Swift server on a free loopback port. */
export async function startStrictSwift(options: StrictSwiftOptions = {}): Promise<StrictSwift> {
  const state = stateOf(options)
  const server = await startStrictServer(serviceOf(state), { tls: options.tls })
  const { url, port } = server
  Object.assign(state.running, { url, port })
  const { tokens, cdn, bulkFailures, complaints } = state
  const container = (name = 'media', account: string = TEMPAUTH.account): Container => {
    const found = state.accounts.get(account)?.containers.get(name)
    if (found === undefined) throw new Error(`no container ${name} in ${account}`)
    return found
  }
  const accountsBy: Readonly<Record<TokenKind, readonly string[]>> = {
    v1: [TEMPAUTH.account],
    v2: [projectAccount()],
    v3: [projectAccount()],
    rackspace: [RACKSPACE.account],
  }
  return {
    ...server,
    authUrl: `${url}/auth/v1.0`,
    identityUrl: url,
    storageUrl: `${url}/v1/${TEMPAUTH.account}`,
    tokens,
    cdn,
    bulkFailures,
    complaints,
    token(kind = 'v1') {
      const now = state.now()
      return tokens.give(kind, accountsBy[kind], now, now + (options.tokenSecs ?? 86_400) * 1000).text
    },
    account: (name = TEMPAUTH.account) => accountOf(state, name),
    container,
    object: (name, where, account) => container(where, account).objects.get(name),
    put(name, data, { container: where, account, contentType, metadata = {}, manifest } = {}) {
      const bytes = Buffer.from(data)
      const meta = Object.entries(metadata).map(([one, text]): [string, string] => [
        `x-object-meta-${one.toLowerCase()}`,
        headerText(text),
      ])
      const object: StoredObject = {
        name,
        bytes,
        etag: md5(bytes),
        contentType: contentType ?? 'application/octet-stream',
        stamp: state.stamp(),
        meta: new Map(meta),
        extra: new Map(),
        deleteAt: undefined,
        manifest,
        slo: undefined,
      }
      container(where, account).objects.set(name, object)
      return object
    },
    names: (where, account) => [...container(where, account).objects.keys()].sort(),
  }
}
