/**
 * A strict Dropbox server in memory, for tests: API v2 on two hosts, its token endpoint, and its links. It checks tokens, arguments, paths,
 * hashes and offsets the way Dropbox documents them (https://www.dropbox.com/developers/documentation/http/documentation).
 */

import type { LoggedRequest } from './strict/log.ts'
import { PlanList } from './strict/plans.ts'
import { type StrictServer, type StrictService, startStrictServer } from './strict/server.ts'
import { type Account, makeAccount } from './strict-dropbox/account.ts'
import { call, identify } from './strict-dropbox/calls.ts'
import { Contention } from './strict-dropbox/contention.ts'
import type {
  DropboxAnswer,
  Identity,
  OperationContext,
  PartialWrite,
  ServerState,
  StrictDropboxOptions,
} from './strict-dropbox/context.ts'
import { CursorList } from './strict-dropbox/cursors.ts'
import { DropboxError, errorAnswer } from './strict-dropbox/errors.ts'
import { JobList } from './strict-dropbox/jobs.ts'
import { LinkList, readLink, readSharedLink, writeLink } from './strict-dropbox/links.ts'
import { tokenEndpoint } from './strict-dropbox/oauth.ts'
import { type DropboxRequest, parseRequest } from './strict-dropbox/request.ts'
import { SessionList } from './strict-dropbox/sessions.ts'
import { TokenList } from './strict-dropbox/tokens.ts'
import { below, type FileNode, type FolderNode, follow, type Node, namesOf, Space } from './strict-dropbox/tree.ts'
import { keepArrived } from './strict-dropbox/uploads.ts'

export { contentHash } from './strict-dropbox/content-hash.ts'
export { htmlError, type RateLimit, rateLimited, refused } from './strict-dropbox/errors.ts'
export type { LoggedRequest, StrictDropboxOptions }

/** What the log of the server has of each request besides. */
export interface DropboxLogged {
  /** The path in the argument of a request to the content host. */
  readonly key: string | undefined
  /** The host that the request was for. */
  readonly host: DropboxRequest['host']
  /** The body of a request to the API host, as text. */
  readonly json: string | undefined
}

/** A running strict server. */
export interface StrictDropbox extends StrictServer<DropboxRequest, DropboxLogged> {
  /** What stands for `https://api.dropboxapi.com`. */
  readonly apiUrl: string
  /** What stands for `https://content.dropboxapi.com`. */
  readonly contentUrl: string
  readonly tokens: TokenList
  readonly account: Account
  readonly space: Space
  readonly sessions: SessionList
  readonly cursors: CursorList
  readonly jobs: JobList
  readonly contention: Contention
  readonly partialWrites: PlanList<PartialWrite>
  /** A new access token. */
  token(options?: { readonly secs?: number; readonly scopes?: readonly string[] }): string
  /** The file at a path of the user's home, to look behind the protocol; undefined where there is none. */
  file(path: string, base?: FolderNode): FileNode | undefined
  /** Stores a file at a path of the user's home, over what is there. */
  put(path: string, bytes: Uint8Array | string, base?: FolderNode): FileNode
  /** Paths of all files of the user's home, sorted. */
  paths(base?: FolderNode): string[]
  /** Deletes everything in the user's home. */
  clear(): void
}

function stateOf(options: StrictDropboxOptions): ServerState {
  const space = new Space()
  return {
    options,
    space,
    account: makeAccount(options.account ?? 'user', space),
    tokens: new TokenList(),
    sessions: new SessionList(),
    cursors: new CursorList(),
    jobs: new JobList(),
    links: new LinkList(),
    contention: new Contention(),
    partialWrites: new PlanList(),
    writing: false,
    now: options.now ?? (() => Date.now()),
  }
}

type Open = (context: OperationContext) => DropboxAnswer

/** What needs no token: the token endpoint and links. */
function openCall({ host, method, path }: DropboxRequest): readonly [name: string, work: Open] | undefined {
  if (host === 'api' && path === 'oauth2/token' && method === 'POST') return ['oauth2/token', tokenEndpoint]
  if (host === 'content' && path.startsWith('apitul/1/') && method === 'POST') return ['link.write', writeLink]
  if (host !== 'dl' || (method !== 'GET' && method !== 'HEAD')) return undefined
  if (path.startsWith('apitl/1/')) return ['link.read', readLink]
  return path.startsWith('scl/fi/') ? ['link.shared', readSharedLink] : undefined
}

/** Keeps what arrives of a piece of a session, should its connection break. */
function watchArrival(state: ServerState, { message }: DropboxRequest, arg: unknown): void {
  const chunks: Buffer[] = []
  message.on('data', (chunk: Buffer) => chunks.push(chunk))
  message.once('close', () => {
    if (!message.complete) keepArrived({ state }, arg, Buffer.concat(chunks))
  })
}

function serviceOf(state: ServerState): StrictService<DropboxRequest, Identity, DropboxLogged> {
  return {
    parse: parseRequest,
    operation: request => request.route ?? openCall(request)?.[0] ?? 'Unknown',
    authenticate(request) {
      if (openCall(request) !== undefined) return { token: undefined, base: state.account.home, arg: undefined }
      if (request.route === undefined) throw new DropboxError(404, 'not_found', 'Not Found', { form: 'text' })
      const identity = identify(request, state)
      if (state.options.keepsArrived && request.route === 'files/upload_session/append_v2') {
        watchArrival(state, request, identity.arg)
      }
      return identity
    },
    run(_, request, identity) {
      const open = openCall(request)
      if (open === undefined) return call(request, identity, state)
      return open[1]({ state, request, base: identity.base })
    },
    errorAnswer: (refusal, request, requestId) => errorAnswer(refusal, request?.route, requestId),
    headers: requestId => ({
      'x-dropbox-request-id': requestId.toLowerCase(),
      'x-content-type-options': 'nosniff',
      server: 'envoy',
      date: new Date(state.now()).toUTCString(),
    }),
    logged: ({ key, host, body, headers }) => {
      const isJson = headers['content-type']?.startsWith('application/json') === true
      return { key, host, json: isJson ? body.toString('utf8') : undefined }
    },
  }
}

function split(path: string): string[] {
  return path.split('/').filter(name => name !== '')
}

/** Starts a strict Dropbox server on a free loopback port. */
export async function startStrictDropbox(options: StrictDropboxOptions = {}): Promise<StrictDropbox> {
  const state = stateOf(options)
  const { space, tokens, account, sessions, cursors, jobs, contention, partialWrites } = state
  const server = await startStrictServer(serviceOf(state))
  const paths = (base: FolderNode): Node[] => [...below(base)].filter(node => node.kind === 'file')
  return {
    ...server,
    apiUrl: `${server.url}/api`,
    contentUrl: `${server.url}/content`,
    ...{ space, tokens, account, sessions, cursors, jobs, contention, partialWrites },
    token: ({ secs = options.tokenSecs ?? 14_400, scopes } = {}) => tokens.give(state.now() + secs * 1000, scopes).text,
    file(path, base = account.home) {
      const node = follow(base, split(path))
      return node?.kind === 'file' ? node : undefined
    },
    put(path, bytes, base = account.home) {
      const names = split(path)
      const name = names.pop() ?? ''
      let folder = base
      for (const one of names) {
        const found = follow(folder, [one])
        folder = found?.kind === 'folder' ? found : space.addFolder(folder, one)
      }
      const revision = space.revision(Buffer.from(bytes), state.now())
      const found = follow(folder, [name])
      if (found?.kind !== 'file') return space.addFile(folder, name, revision)
      space.overwrite(found, revision)
      return found
    },
    paths(base = account.home) {
      const above = namesOf(base).length
      return paths(base)
        .map(node => `/${namesOf(node).slice(above).join('/')}`)
        .sort()
    },
    clear() {
      for (const node of [...account.home.children.values()]) space.remove(node)
    },
  }
}
