/**
 * A strict Azure Blob Storage server in memory, for tests. It verifies Shared Key, shared access signatures, checksums and conditions
 * the way Microsoft documents them (https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api) and answers with its errors.
 */
import { randomBytes } from 'node:crypto'
import { type StrictServer, type StrictService, startStrictServer } from './strict/server.ts'
import { authenticate } from './strict-azure/access.ts'
import type { Identity, Plans, ServerState, StrictAzureOptions } from './strict-azure/context.ts'
import { errorAnswer } from './strict-azure/errors.ts'
import { type AzureRequest, parseRequest } from './strict-azure/request.ts'
import { operationName, runOperation } from './strict-azure/routes.ts'
import { Container } from './strict-azure/store.ts'

export type { LoggedRequest } from './strict/log.ts'
export type { ContainerOptions, StoredBlob } from './strict-azure/store.ts'
export type { AzureRequest, StrictAzureOptions }

/** What the log of the server has of each request besides. */
export interface AzureLogged {
  readonly container: string
  readonly key: string
  /** How the request was authorized. */
  readonly identity: Identity['kind'] | undefined
}

/** A running strict server. */
export interface StrictAzure extends StrictServer<AzureRequest, AzureLogged> {
  readonly account: string
  /** Base64. */
  readonly accountKey: string
  /** A bearer token that is accepted. */
  readonly token: string
  /** The path-style endpoint: the server's address and the account. */
  readonly endpoint: string
  /** The host-style endpoint. */
  readonly hostEndpoint: string
  /** As the portal prints it, with the path-style endpoint. */
  readonly connectionString: string
  readonly plans: Plans
  /** A container's state, to look behind the protocol; throws when there is none. */
  container(name?: string): Container
}

const KEYS = [
  Buffer.from('the first key of the strict server, which is secret'),
  Buffer.from('and the second one of it'),
]

function stateOf(options: StrictAzureOptions): ServerState {
  const now = options.now ?? Date.now
  const containers = new Map<string, Container>()
  const { versioning = false, hierarchical = false } = options
  for (const one of options.containers ?? ['media']) {
    const container = new Container(typeof one === 'string' ? { name: one } : one, now(), { versioning, hierarchical })
    containers.set(container.name, container)
  }
  return {
    options,
    account: options.account ?? 'strictaccount',
    keys: options.accountKeys?.map(key => Buffer.from(key, 'base64')) ?? KEYS,
    tokens: options.tokens ?? [{ token: 'strict-token' }],
    delegationSecret: randomBytes(32),
    domains: options.domains ?? ['blob.localhost'],
    containers,
    plans: { copies: { polls: 0, end: 'success' }, emptyPages: 0 },
    now,
  }
}

function serviceOf(state: ServerState): StrictService<AzureRequest, Identity, AzureLogged> {
  return {
    parse: (message, requestId) => parseRequest(message, state.domains, requestId),
    operation: operationName,
    authenticate: (request, operation) => authenticate(request, operation, state),
    run(operation, request, identity) {
      const answer = runOperation(operation, { state, request, identity })
      return { ...answer, headers: { ...echoed(request), ...answer.headers } }
    },
    errorAnswer(refusal, request, requestId) {
      const answer = errorAnswer(refusal, requestId)
      return { ...answer, headers: { ...(request === undefined ? {} : echoed(request)), ...answer.headers } }
    },
    headers: requestId => ({
      date: new Date(state.now()).toUTCString(),
      'x-ms-request-id': requestId,
      server: 'Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0',
    }),
    logged: ({ container, key }, identity) => ({ container, key, identity: identity?.kind }),
  }
}

/** What an answer repeats of its request. */
function echoed({ headers }: AzureRequest): Record<string, string> {
  const names = ['x-ms-version', 'x-ms-client-request-id']
  const given = names.map(name => [name, headers[name]] as const)
  return Object.fromEntries(given.filter((one): one is [string, string] => one[1] !== undefined))
}

/** Starts a strict Azure Blob server on a free loopback port. */
export async function startStrictAzure(options: StrictAzureOptions = {}): Promise<StrictAzure> {
  const state = stateOf(options)
  const server = await startStrictServer(serviceOf(state))
  const { account, keys, tokens, plans } = state
  const accountKey = (keys[0] as Buffer).toString('base64')
  const endpoint = `${server.url}/${account}`
  return {
    ...server,
    account,
    accountKey,
    token: tokens[0]?.token ?? '',
    endpoint,
    hostEndpoint: `http://${account}.${state.domains[0]}:${server.port}`,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${endpoint};`,
    plans,
    container: (name = 'media') => {
      const container = state.containers.get(name)
      if (container === undefined) throw new Error(`no container ${name}`)
      return container
    },
  }
}
