/** Which operation a request asks for: named as in the reference of the JSON API, with `xml.` before those of the XML API. */
import type { GcsAnswer, OperationContext } from './context.ts'
import { GcsError } from './errors.ts'
import { operations } from './operations.ts'
import { checkParameters } from './parameters.ts'
import type { GcsRequest } from './request.ts'

type Verbs = Readonly<Record<string, string | undefined>>

const bucketVerbs: Verbs = { GET: 'buckets.get', PATCH: 'buckets.patch', DELETE: 'buckets.delete' }
const objectVerbs: Verbs = {
  GET: 'objects.get',
  PATCH: 'objects.patch',
  PUT: 'objects.update',
  DELETE: 'objects.delete',
}
const aclVerbs: Verbs = { GET: 'get', PATCH: 'patch', PUT: 'update', DELETE: 'delete' }
const aclLists: Verbs = { GET: 'list', POST: 'insert' }

function aclName(kind: string, method: string, isEntry: boolean): string | undefined {
  const verb = (isEntry ? aclVerbs : aclLists)[method]
  return verb === undefined ? undefined : `${kind}.${verb}`
}

function jsonName({ method, segments, query }: GcsRequest): string | undefined {
  const [b, bucket, kind, object, action] = segments
  const { length } = segments
  if (b !== 'b' || (length > 1 && bucket === '')) return undefined
  if (length === 1) return { GET: 'buckets.list', POST: 'buckets.insert' }[method]
  if (length === 2) return bucketVerbs[method]
  if (kind === 'acl') return length <= 4 ? aclName('bucketAccessControls', method, length === 4) : undefined
  if (kind === 'defaultObjectAcl')
    return length <= 4 ? aclName('defaultObjectAccessControls', method, length === 4) : undefined
  if (kind !== 'o') return undefined
  if (length === 3) return method === 'GET' ? 'objects.list' : undefined
  if (object === '') return undefined
  if (length === 4) return method === 'GET' && query['alt'] === 'media' ? 'objects.download' : objectVerbs[method]
  if (action === 'acl') return length <= 6 ? aclName('objectAccessControls', method, length === 6) : undefined
  if (method !== 'POST') return undefined
  if (action === 'compose') return length === 5 ? 'objects.compose' : undefined
  if (length !== 9 || segments[5] !== 'b' || segments[7] !== 'o') return undefined
  return { rewriteTo: 'objects.rewrite', copyTo: 'objects.copy' }[action ?? '']
}

/** The operations on a session. */
function sessionName({ method, headers }: GcsRequest): string | undefined {
  if (method === 'DELETE') return 'objects.insert.cancel'
  if (method !== 'PUT') return undefined
  return headers['content-range']?.startsWith('bytes */') ? 'objects.insert.status' : 'objects.insert.part'
}

function uploadName(request: GcsRequest): string | undefined {
  const { method, segments, query } = request
  if (segments.length !== 3 || segments[0] !== 'b' || segments[2] !== 'o') return undefined
  if (query['upload_id'] !== undefined) return sessionName(request)
  if (method !== 'POST') return undefined
  const kinds: Verbs = { media: 'objects.insert', multipart: 'objects.insert', resumable: 'objects.insert.start' }
  return kinds[query['uploadType'] ?? '']
}

function xmlName(request: GcsRequest): string | undefined {
  const { method, bucket, key, query, headers } = request
  if (bucket === '') return method === 'GET' ? 'xml.listBuckets' : undefined
  if (query['upload_id'] !== undefined) return sessionName(request)
  if (key === '') {
    const verbs: Verbs = {
      GET: 'listObjects',
      HEAD: 'headBucket',
      PUT: 'createBucket',
      DELETE: 'deleteBucket',
      POST: 'postForm',
    }
    return verbs[method] === undefined ? undefined : `xml.${verbs[method]}`
  }
  if (query['acl'] !== undefined) return method === 'GET' || method === 'PUT' ? 'xml.objectAcl' : undefined
  if (method === 'POST') {
    const starts = headers['x-goog-resumable'] ?? headers['x-amz-resumable']
    return starts === 'start' ? 'xml.startSession' : undefined
  }
  const verbs: Verbs = { GET: 'getObject', HEAD: 'headObject', PUT: 'putObject', DELETE: 'deleteObject' }
  return verbs[method] === undefined ? undefined : `xml.${verbs[method]}`
}

function nameOf(request: GcsRequest): string | undefined {
  const { api, method, segments, query } = request
  switch (api) {
    case 'json':
      return jsonName(request)
    case 'upload':
      return uploadName(request)
    case 'download': {
      const isObject = segments.length === 4 && segments[0] === 'b' && segments[2] === 'o'
      return isObject && method === 'GET' && query['alt'] === 'media' ? 'objects.download' : undefined
    }
    case 'xml':
      return xmlName(request)
    case 'metadata':
      return method === 'GET' ? 'metadata' : undefined
    case 'iam': {
      const verb = /:(signBlob|generateAccessToken)$/.exec(segments[0] ?? '')?.[1]
      return segments.length === 1 && method === 'POST' && verb !== undefined ? `iam.${verb}` : undefined
    }
    default:
      return method === 'POST' ? api : undefined
  }
}

/** The operation's name, or 'Unknown'. */
export function operationName(request: GcsRequest): string {
  return nameOf(request) ?? 'Unknown'
}

/** Runs an operation; 404 and 405 for an unknown one. */
export function runOperation(name: string, context: OperationContext): GcsAnswer | Promise<GcsAnswer> {
  const { request } = context
  const operation = operations[name]
  if (operation === undefined) {
    if (request.api === 'xml')
      throw new GcsError(405, 'methodNotAllowed', 'The specified method is not allowed against this resource.')
    if (request.api === 'upload' && request.method === 'POST') {
      throw new GcsError(400, 'badRequest', `Upload type ${request.query['uploadType'] ?? '(none)'} is not known.`)
    }
    throw new GcsError(404, 'notFound', 'Not Found')
  }
  checkParameters(name, request)
  return operation(context)
}
