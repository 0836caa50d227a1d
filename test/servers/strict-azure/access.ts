/** Who asks, and whether they may. */
import type { Identity, ServerState } from './context.ts'
import { AzureError, invalidHeader, missingHeader, notAuthenticated, notAuthorized, tokenWanted } from './errors.ts'
import type { AzureRequest } from './request.ts'
import { hasSas, type SasToken, verifySas } from './sas.ts'
import { verifySharedKey } from './shared-key.ts'

const OLDEST_VERSION = '2015-02-21'

/** What an operation needs: one of the letters, on a service, a container or an object. */
interface Need {
  readonly any: string
  readonly on: 's' | 'c' | 'o'
}

const NEEDS: Readonly<Record<string, Need>> = {
  ListContainers: { any: 'l', on: 's' },
  GetAccountInformation: { any: 'rwdlacupt', on: 's' },
  FindBlobsByTags: { any: 'f', on: 's' },
  BlobBatch: { any: 'rwdlacupt', on: 's' },
  ContainerBatch: { any: 'rwdlacupt', on: 'c' },
  CreateContainer: { any: 'cw', on: 'c' },
  DeleteContainer: { any: 'd', on: 'c' },
  GetContainerProperties: { any: 'r', on: 'c' },
  ListBlobs: { any: 'l', on: 'c' },
  PutBlob: { any: 'wc', on: 'o' },
  PutBlobFromURL: { any: 'wc', on: 'o' },
  PutBlock: { any: 'wc', on: 'o' },
  PutBlockFromURL: { any: 'wc', on: 'o' },
  PutBlockList: { any: 'wc', on: 'o' },
  GetBlockList: { any: 'r', on: 'o' },
  GetBlob: { any: 'r', on: 'o' },
  GetBlobProperties: { any: 'r', on: 'o' },
  GetBlobMetadata: { any: 'r', on: 'o' },
  SetBlobMetadata: { any: 'w', on: 'o' },
  SetBlobProperties: { any: 'w', on: 'o' },
  SetBlobTier: { any: 'w', on: 'o' },
  GetBlobTags: { any: 't', on: 'o' },
  SetBlobTags: { any: 't', on: 'o' },
  LeaseBlob: { any: 'w', on: 'o' },
  SnapshotBlob: { any: 'wc', on: 'o' },
  CopyBlob: { any: 'wc', on: 'o' },
  CopyBlobFromURL: { any: 'wc', on: 'o' },
  AbortCopyBlob: { any: 'w', on: 'o' },
  DeleteBlob: { any: 'd', on: 'o' },
}

/** The writes that a permission to create allows only where there is no blob. */
const WHOLE = ['PutBlob', 'PutBlobFromURL', 'PutBlockList', 'CopyBlob', 'CopyBlobFromURL']

/** Checks the API version, and then who asks; throws a refusal. */
export function authenticate(request: AzureRequest, operation: string, state: ServerState): Identity {
  checkVersion(request, state)
  return authenticateVersioned(request, operation, state)
}

/** Checks who asks, for a request whose version is known: a part of a batch has that of the whole. */
export function authenticateVersioned(request: AzureRequest, operation: string, state: ServerState): Identity {
  if (request.account !== state.account) {
    throw new AzureError(404, 'ResourceNotFound', 'The specified resource does not exist.')
  }
  const identity = identityOf(request, state)
  authorize(identity, request, operation, state)
  return identity
}

function checkVersion({ headers, query, method }: AzureRequest, { options }: ServerState): void {
  const version = headers['x-ms-version']
  if (version === undefined) {
    if (headers['authorization'] !== undefined) throw missingHeader('x-ms-version')
    if (query['sv'] === undefined && method !== 'GET' && method !== 'HEAD') throw missingHeader('x-ms-version')
    return
  }
  const newest = options.newestVersion ?? '2026-10-06'
  if (!/^20\d\d-\d\d-\d\d$/.test(version) || version < OLDEST_VERSION || version > newest) {
    throw invalidHeader('x-ms-version', version)
  }
}

function identityOf(request: AzureRequest, state: ServerState): Identity {
  const authorization = request.headers['authorization']
  if (authorization === undefined) {
    if (hasSas(request.query)) return { kind: 'sas', sas: verifySas(request, state) }
    return { kind: 'anonymous' }
  }
  if (authorization.startsWith('Bearer ')) {
    const known = state.tokens.find(({ token }) => token === authorization.slice('Bearer '.length))
    if (known === undefined) throw tokenWanted('InvalidAuthenticationInfo', ', error="invalid_token"')
    if (state.now() >= (known.until ?? Number.POSITIVE_INFINITY)) {
      throw tokenWanted('InvalidAuthenticationInfo', ', error="token_expired"')
    }
    return { kind: 'token' }
  }
  verifySharedKey(request, state.keys, state.now())
  return { kind: 'key' }
}

function authorize(identity: Identity, request: AzureRequest, operation: string, state: ServerState): void {
  if (operation === 'GetUserDelegationKey') {
    if (identity.kind === 'token') return
    throw notAuthenticated('Only authentication scheme Bearer is supported.')
  }
  if (identity.kind === 'anonymous') allowAnybody(request, operation, state)
  if (identity.kind !== 'sas') return
  const need = NEEDS[operation]
  if (need === undefined) throw notAuthorized('AuthorizationFailure')
  const { sas } = identity
  checkReach(sas, need, operation)
  checkPermission(sas, need, request, operation, state)
}

/** Whether the SAS is for things of this kind. */
function checkReach({ type, resource }: SasToken, { on }: Need, operation: string): void {
  if (type === 'account') {
    if (!resource.includes(on)) throw notAuthorized('AuthorizationResourceTypeMismatch')
    return
  }
  if (on === 'o') return
  const isOfContainer = operation === 'ListBlobs' || operation === 'ContainerBatch'
  if (!isOfContainer || (resource !== 'c' && resource !== 'd')) throw notAuthorized('AuthorizationFailure')
}

function checkPermission(
  { permissions }: SasToken,
  { any }: Need,
  request: AzureRequest,
  operation: string,
  state: ServerState,
): void {
  const wanted = operation === 'DeleteBlob' && request.query['versionid'] !== undefined ? 'x' : any
  const has = [...wanted].filter(letter => permissions.includes(letter))
  const isThere = state.containers.get(request.container)?.blobs.has(request.key) === true
  const enough = has.some(letter => letter !== 'c' || !WHOLE.includes(operation) || !isThere)
  if (!enough) throw notAuthorized()
  if (request.headers['x-ms-tags'] !== undefined && !permissions.includes('t')) throw notAuthorized()
}

function allowAnybody(request: AzureRequest, operation: string, state: ServerState): void {
  const isRead = ['GetBlob', 'GetBlobProperties', 'GetBlobMetadata', 'GetBlockList'].includes(operation)
  const access = state.containers.get(request.container)?.publicAccess
  if (isRead && access !== undefined) return
  if ((operation === 'ListBlobs' || operation === 'GetContainerProperties') && access === 'container') return
  if (isRead || operation === 'ListBlobs') {
    throw new AzureError(404, 'ResourceNotFound', 'The specified resource does not exist.')
  }
  throw tokenWanted()
}
