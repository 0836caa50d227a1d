/** Who asks, and which folder the paths of the request are relative to. */
import { rootInfo } from './account.ts'
import type { ServerState } from './context.ts'
import { badInput, nested, unionError } from './errors.ts'
import type { DropboxRequest } from './request.ts'
import { BadArgument, text, union } from './schema.ts'
import type { Token } from './tokens.ts'
import type { FolderNode } from './tree.ts'

/** The token of a request; 400 for what is no token, 401 for one that is not good or not for this. */
export function tokenOf(request: DropboxRequest, state: ServerState, scope: string): Token {
  const header = request.headers['authorization']
  if (header === undefined) {
    throw badInput('Must provide HTTP header "Authorization" or URL parameter "authorization".')
  }
  const given = /^Bearer (\S+)$/.exec(header)?.[1]
  if (given === undefined) {
    throw badInput(
      `Invalid authorization value in HTTP header "Authorization": "${header}". Expecting "Bearer <oauth2-access-token>".`,
    )
  }
  if (!/^[\w.-]{20,}$/.test(given)) throw badInput('The given OAuth 2 access token is malformed.')
  const token = state.tokens.find(given)
  if (token === undefined) throw unionError(401, nested('invalid_access_token'))
  if (token.expires <= state.now()) throw unionError(401, nested('expired_access_token'))
  if (!token.scopes.includes(scope)) throw unionError(401, nested('missing_scope', { required_scope: scope }))
  return token
}

const namespaceId = text({ pattern: '[-_0-9a-zA-Z:]+' })
const pathRoot = union({ home: undefined, root: namespaceId, namespace_id: namespaceId })

/** What `Dropbox-API-Path-Root` says; the home of the user without it. */
export function baseOf(request: DropboxRequest, { account }: ServerState): FolderNode {
  const header = request.headers['dropbox-api-path-root']
  if (header === undefined) return account.home
  const { '.tag': tag, ...value } = readPathRoot(header)
  if (tag === 'home') return account.home
  const id = String(value[tag])
  const folder = account.namespaces.get(id)
  if (tag === 'root' && id !== account.rootNamespace) {
    throw unionError(422, { '.tag': 'invalid_root', invalid_root: rootInfo(account) })
  }
  if (folder === undefined) throw unionError(422, nested('no_permission'))
  return folder
}

function readPathRoot(header: string): ReturnType<typeof pathRoot.read> {
  try {
    return pathRoot.read(JSON.parse(header), '')
  } catch (error) {
    const why = error instanceof BadArgument ? error.message : 'could not decode input as JSON'
    throw badInput(`Dropbox-API-Path-Root: ${why}`)
  }
}
