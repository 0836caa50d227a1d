/**
 * A strict EMC Atmos server in memory, for tests, which is also Ninefold's with its path. It verifies signatures, ranges and checksums as
 * the Atmos Programmer's Guide and EMC's SDKs have them, and answers with the codes of the service.
 */
import type { LoggedRequest } from './strict/log.ts'
import { type StrictServer, type StrictService, startStrictServer } from './strict/server.ts'
import type { AtmosCredentials, AtmosState, StrictAtmosOptions } from './strict-atmos/context.ts'
import { busy, errorDocument } from './strict-atmos/errors.ts'
import { type AtmosRequest, parseRequest } from './strict-atmos/request.ts'
import { operationName, runOperation } from './strict-atmos/routes.ts'
import { type AtmosIdentity, authenticate } from './strict-atmos/sign.ts'
import { AtmosTree } from './strict-atmos/tree.ts'

export { type AtmosCredentials, type AtmosTree, busy, type LoggedRequest, type StrictAtmosOptions }

/** What the log of the server has of each request besides. */
export interface AtmosLogged {
  /** Decoded, after `/rest/namespace/`, without slashes at its ends. */
  readonly key: string
  readonly by: 'header' | 'url' | undefined
}

/** A running strict server. */
export interface StrictAtmos extends StrictServer<AtmosRequest, AtmosLogged> {
  /** The URL with the path that stands before `/rest`. */
  readonly endpoint: string
  readonly credentials: AtmosCredentials
  /** What is stored, to look behind the protocol. */
  readonly tree: AtmosTree
}

/** Where Ninefold has its service. */
export const NINEFOLD_PATH = '/storage/v1.0'

function serviceOf(state: AtmosState): StrictService<AtmosRequest, AtmosIdentity, AtmosLogged> {
  const { options } = state
  const signsDriverPath = options.signsDriverPath ?? false
  return {
    parse: (message, requestId) => parseRequest(message, requestId, { driverPath: state.driverPath, signsDriverPath }),
    operation: operationName,
    authenticate: request => authenticate(request, state),
    run: (operation, request, { uid, disposition }) => runOperation(operation, { state, request, uid, disposition }),
    errorAnswer: ({ status, code, message, headers }) => ({
      status: options.statuses?.[Number(code)] ?? status,
      headers: { 'content-type': 'text/xml', ...headers },
      body: errorDocument(code, message, options.namespacedErrors ?? false),
    }),
    headers: () => ({ date: new Date(state.now()).toUTCString(), server: 'Apache' }),
    logged: ({ key }, identity) => ({ key, by: identity?.by }),
  }
}

/** Starts a strict Atmos server on a free loopback port. */
export async function startStrictAtmos(options: StrictAtmosOptions = {}): Promise<StrictAtmos> {
  const now = options.now ?? Date.now
  const credentials = options.credentials ?? [
    { uid: '6039ac182f194e15b9261d73ce044939/user1', secret: 'LJLuryj6zs8ste6Y3jTGQp71xq0=' },
  ]
  const driverPath = options.driverPath ?? ''
  const state: AtmosState = { options, credentials, driverPath, tree: new AtmosTree(now), stale: new Map(), now }
  const server = await startStrictServer(serviceOf(state), { tls: options.tls })
  return {
    ...server,
    endpoint: server.url + driverPath,
    credentials: credentials[0] as AtmosCredentials,
    tree: state.tree,
  }
}

/** Starts Ninefold's. */
export function startStrictNinefold(options: StrictAtmosOptions = {}): Promise<StrictAtmos> {
  return startStrictAtmos({ driverPath: NINEFOLD_PATH, ...options })
}
