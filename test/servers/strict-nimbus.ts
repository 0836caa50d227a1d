/**
 * A strict Nimbus.io server in memory, for tests: management on the host of the service, data on the host of each collection. It verifies
 * signatures and routes by whole URLs, as the source of the service does (SpiderOak/nimbus.io).
 */
import { jsonAnswer } from './strict/answer.ts'
import type { LoggedRequest } from './strict/log.ts'
import { type StrictServer, type StrictService, startStrictServer } from './strict/server.ts'
import { checkArchiveHeaders } from './strict-nimbus/archive.ts'
import type { NimbusState, NimbusUser, StrictNimbusOptions } from './strict-nimbus/context.ts'
import { NimbusError, nodeTrouble } from './strict-nimbus/errors.ts'
import { type NimbusRequest, parseRequest } from './strict-nimbus/request.ts'
import { runOperation } from './strict-nimbus/routes.ts'
import { authenticate, type NimbusIdentity } from './strict-nimbus/sign.ts'
import { NimbusCollection, NimbusStore } from './strict-nimbus/store.ts'

export { type LoggedRequest, type NimbusCollection, type NimbusUser, nodeTrouble, type StrictNimbusOptions }

/** What the log of the server has of each request besides. */
export interface NimbusLogged {
  readonly host: string
  readonly collection: string
  readonly key: string
  /** Undefined where there was no signature, or not a right one. */
  readonly username: string | undefined
}

/** A running strict server; its `url` is an address to connect to, its hosts are `domain` and what is below it. */
export interface StrictNimbus extends StrictServer<NimbusRequest, NimbusLogged> {
  readonly domain: string
  readonly user: NimbusUser
  readonly collections: ReadonlyMap<string, NimbusCollection>
  /** A collection's state, to look behind the protocol; throws when there is none. */
  collection(name?: string): NimbusCollection
}

function stateOf(options: StrictNimbusOptions): NimbusState {
  const now = options.now ?? Date.now
  const users = options.users ?? [
    { username: 'alice', keyId: 5001, key: 'DwWKayqqnWnmLouZQKfncsNj72x7TThMA3uO9Y/IBJg' },
  ]
  const store = new NimbusStore()
  const add = (name: string, owner: string, versioning = false, accessControl?: Readonly<Record<string, unknown>>) =>
    store.add(new NimbusCollection({ name, owner, createdAt: now(), versioning, accessControl }))
  for (const { username } of users) add(`dd-${username}`, username)
  for (const one of options.collections ?? ['media']) {
    const { name, owner, versioning, accessControl } = typeof one === 'string' ? ({ name: one } as const) : one
    add(name, owner ?? users[0]!.username, versioning, accessControl)
  }
  return { options, domain: options.domain ?? 'nimbus.io', users, store, now }
}

function serviceOf(state: NimbusState): StrictService<NimbusRequest, NimbusIdentity, NimbusLogged> {
  const { options, domain } = state
  const decodesTwice = options.decodesTwice ?? false
  return {
    parse: (message, requestId) => parseRequest(message, requestId, { domain, decodesTwice }),
    operation: ({ operation }) => operation,
    authenticate(request) {
      const identity = authenticate(request, state)
      if (request.operation === 'ArchiveKey') checkArchiveHeaders(request, options.takesEmpty ?? false)
      return identity
    },
    run: (operation, request) => runOperation(operation, { state, request }),
    errorAnswer(refusal) {
      const { status, message, headers } = refusal
      const document = refusal instanceof NimbusError ? refusal.document : undefined
      if (document !== undefined) return jsonAnswer(document, { status, headers })
      return { status, headers: { 'content-type': 'text/plain; charset=UTF-8', ...headers }, body: `${message}\n` }
    },
    headers: () => ({ connection: 'close', date: new Date(state.now()).toUTCString(), server: 'nimbus.io' }),
    logged: ({ headers, collection, key }, identity) => {
      return { host: headers['host'] ?? '', collection, key, username: identity?.username }
    },
  }
}

/** Starts a strict Nimbus.io server on a free loopback port. */
export async function startStrictNimbus(options: StrictNimbusOptions = {}): Promise<StrictNimbus> {
  const state = stateOf(options)
  const server = await startStrictServer(serviceOf(state), { tls: options.tls })
  return {
    ...server,
    domain: state.domain,
    user: state.users[0]!,
    collections: state.store.collections,
    collection: (name = 'media') => {
      const found = state.store.collections.get(name)
      if (found === undefined) throw new Error(`no collection ${name}`)
      return found
    },
  }
}
