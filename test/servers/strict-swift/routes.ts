/** Which operation a request asks for. */
import { bulkDelete, deleteManifest } from './bulk.ts'
import { cdnOperations } from './cdn.ts'
import { containerOperations } from './containers.ts'
import type { Operation } from './context.ts'
import { copyObject, putCopy } from './copies.ts'
import { loginV1 } from './identity-v1.ts'
import { loginV2, loginV11 } from './identity-v2.ts'
import { identityVersions, loginV3, revokeV3, validateV3 } from './identity-v3.ts'
import { info } from './info.ts'
import { putManifest } from './manifest.ts'
import { readObject } from './read.ts'
import type { SwiftRequest } from './request.ts'
import { deleteObject, postObject, putObject } from './write.ts'

type Verbs = Readonly<Record<string, string | undefined>>

/** Operations by names. */
export const operations: Readonly<Record<string, Operation>> = {
  ...containerOperations,
  ...cdnOperations,
  'object.get': readObject,
  'object.head': readObject,
  'object.put': putObject,
  'object.put.copy': putCopy,
  'object.copy': copyObject,
  'object.post': postObject,
  'object.delete': deleteObject,
  'slo.put': putManifest,
  'slo.get': readObject,
  'slo.delete': deleteManifest,
  'bulk.delete': bulkDelete,
  'auth.v1': loginV1,
  'auth.v1.1': loginV11,
  'auth.v2': loginV2,
  'auth.v3': loginV3,
  'auth.v3.validate': validateV3,
  'auth.v3.revoke': revokeV3,
  versions: identityVersions,
  info,
  health: () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: 'OK' }),
}

function storageName({ method, container, key, query, headers }: SwiftRequest): string | undefined {
  const verb = method.toLowerCase()
  if (query['bulk-delete'] !== undefined) return method === 'POST' || method === 'DELETE' ? 'bulk.delete' : undefined
  if (container === '') return { GET: 'account.get', HEAD: 'account.head', POST: 'account.post' }[method]
  if (key === '') return ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'].includes(method) ? `container.${verb}` : undefined
  const manifest = query['multipart-manifest']
  if (method === 'PUT' && headers['x-copy-from'] !== undefined) return 'object.put.copy'
  if (method === 'PUT' && manifest === 'put') return 'slo.put'
  if (method === 'DELETE' && manifest === 'delete') return 'slo.delete'
  if ((method === 'GET' || method === 'HEAD') && manifest === 'get') return 'slo.get'
  const verbs: Verbs = { PUT: 'put', GET: 'get', HEAD: 'head', POST: 'post', DELETE: 'delete', COPY: 'copy' }
  return verbs[method] === undefined ? undefined : `object.${verbs[method]}`
}

function cdnName({ method, container, key }: SwiftRequest): string | undefined {
  if (container === '') return method === 'GET' ? 'cdn.list' : undefined
  if (key !== '') return method === 'DELETE' ? 'cdn.purge' : undefined
  return { HEAD: 'cdn.head', PUT: 'cdn.put', POST: 'cdn.post', DELETE: 'cdn.delete' }[method]
}

/** The operation's name, or 'Unknown'. */
export function operationName(request: SwiftRequest): string {
  const { api, method } = request
  const isRead = method === 'GET' || method === 'HEAD'
  const v3: Verbs = {
    POST: 'auth.v3',
    GET: 'auth.v3.validate',
    HEAD: 'auth.v3.validate',
    DELETE: 'auth.v3.revoke',
  }
  const names: Readonly<Record<typeof api, string | undefined>> = {
    storage: storageName(request),
    cdn: cdnName(request),
    cdnFile: isRead ? 'cdn.file' : undefined,
    v1: method === 'GET' ? 'auth.v1' : undefined,
    'v1.1': method === 'POST' ? 'auth.v1.1' : undefined,
    v2: method === 'POST' ? 'auth.v2' : undefined,
    v3: v3[method],
    versions: isRead ? 'versions' : undefined,
    info: isRead ? 'info' : undefined,
    health: isRead ? 'health' : undefined,
    none: undefined,
  }
  return names[api] ?? 'Unknown'
}
