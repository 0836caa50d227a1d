/** Copies on the server: `rewriteTo`, `copyTo` and `compose`. */
import { createHash } from 'node:crypto'
import { needBucket, needObject, ownerOf } from './access.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { GcsError, invalid, missing } from './errors.ts'
import { checkPreconditions, readPreconditions } from './preconditions.ts'
import { jsonBody, numberParameter } from './request.ts'
import { answerFields, objectResource, projectionOf } from './resource.ts'
import { askedAcl, readResource, type SettingsChange } from './settings.ts'
import type { Bucket, StoredObject } from './store.ts'
import { checkWrite, type ObjectWrite, storeObject } from './write.ts'

const MIB = 1024 * 1024

/** What is copied where. */
interface Copy {
  readonly source: StoredObject
  readonly from: Bucket
  readonly to: Bucket
  readonly write: ObjectWrite
}

/** The settings of a copy: the source's, unless the request names any; then only those. */
export function copiedSettings(source: StoredObject, change: SettingsChange): SettingsChange {
  if (Object.keys(change).length > 0) return { ...change, storageClass: change.storageClass ?? source.storageClass }
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, metadata, customTime } =
    source
  const { storageClass } = source
  return {
    contentType,
    contentEncoding,
    contentDisposition,
    contentLanguage,
    cacheControl,
    metadata,
    customTime,
    storageClass,
  }
}

/** Reads `b/B/o/O/{copyTo,rewriteTo}/b/B/o/O`. */
function readCopy(context: OperationContext): Copy {
  const { request } = context
  const { segments, query } = request
  const from = needBucket(context)
  const to = needBucket(context, segments[6] ?? '')
  const source = needObject(context, from, request.key, numberParameter(request, 'sourceGeneration'))
  checkPreconditions(readPreconditions(request, 'Source'), source)
  const resource = jsonBody(request, { optional: true })
  const change = copiedSettings(source, readResource(resource))
  change.kmsKeyName = query['destinationKmsKeyName']
  const acl = askedAcl(resource, query['destinationPredefinedAcl'], ownerOf(context))
  const write = { name: segments[8] ?? '', change, acl, conditions: readPreconditions(request) }
  return { source, from, to, write: { ...write, componentCount: source.componentCount } }
}

/** `storage.objects.copy`: all at once. */
export function copyObject(context: OperationContext): GcsAnswer {
  const { source, to, write } = readCopy(context)
  const object = storeObject(context, to, source.body, write)
  const projection = projectionOf(context, write.acl !== undefined)
  return answerFields(context, objectResource(context, to, object, projection))
}

/** What a rewrite token holds. */
interface RewriteToken {
  readonly written: number
  readonly generation: string
  readonly of: string
}

function readRewriteToken(text: string): RewriteToken {
  try {
    const { w, g, o } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (Number.isSafeInteger(w) && typeof g === 'string' && typeof o === 'string')
      return { written: w, generation: g, of: o }
  } catch {}
  throw invalid('Invalid rewrite token.', 'rewriteToken')
}

/** Everything that must be the same in every call of one rewrite. */
function fingerprint({ request }: OperationContext): string {
  const pairs = request.pairs.filter(([name]) => name !== 'rewriteToken').map(pair => pair.join('='))
  const { token: _, ...resource } = jsonBody(request, { optional: true })
  const all = [request.rawPath, ...pairs.sort(), JSON.stringify(resource)]
  return createHash('sha256').update(all.join('\n')).digest('base64url')
}

/** `storage.objects.rewrite`: some bytes in each call, until it is done. */
export function rewriteObject(context: OperationContext): GcsAnswer {
  const { state, request } = context
  const { source, to, write } = readCopy(context)
  const most = numberParameter(request, 'maxBytesRewrittenPerCall')
  if (most !== undefined && (most <= 0n || most % BigInt(MIB) !== 0n)) {
    throw invalid('maxBytesRewrittenPerCall must be a positive multiple of 1 MiB', 'maxBytesRewrittenPerCall')
  }
  const perCall = Math.min(
    most === undefined ? Number.POSITIVE_INFINITY : Number(most),
    state.options.rewriteBytes ?? Number.POSITIVE_INFINITY,
  )
  const of = fingerprint(context)
  const text = request.query['rewriteToken']
  const token = text === undefined ? { written: 0, generation: String(source.generation), of } : readRewriteToken(text)
  if (token.of !== of) throw invalid('The rewrite token is one of another request.', 'rewriteToken')
  if (token.generation !== String(source.generation)) {
    throw new GcsError(400, 'invalid', 'The source object changed while it was rewritten.', { xml: 'InvalidArgument' })
  }
  const objectSize = source.body.length
  const written = Math.min(objectSize, token.written + perCall)
  const sizes = {
    kind: 'storage#rewriteResponse',
    totalBytesRewritten: String(written),
    objectSize: String(objectSize),
  }
  if (written < objectSize) {
    checkWrite(context, to, write)
    const next = { w: written, g: token.generation, o: of }
    return answerFields(context, {
      ...sizes,
      done: false,
      rewriteToken: Buffer.from(JSON.stringify(next)).toString('base64url'),
    })
  }
  const object = storeObject(context, to, source.body, write)
  const projection = projectionOf(context, write.acl !== undefined)
  return answerFields(context, { ...sizes, done: true, resource: objectResource(context, to, object, projection) })
}

/** `storage.objects.compose`: up to 32 objects of one bucket, one after another. */
export function composeObject(context: OperationContext): GcsAnswer {
  const { request } = context
  const bucket = needBucket(context)
  const body = jsonBody(request)
  const { sourceObjects, destination } = body
  if (!Array.isArray(sourceObjects) || sourceObjects.length === 0) throw missing('sourceObjects')
  if (sourceObjects.length > 32) throw invalid('The number of source components provided exceeds the maximum: 32')
  const sources = (sourceObjects as Record<string, unknown>[]).map(one => {
    const { name, generation, objectPreconditions } = one
    if (typeof name !== 'string') throw missing('sourceObjects.name')
    const object = needObject(context, bucket, name, generation === undefined ? undefined : BigInt(String(generation)))
    const wanted = (objectPreconditions as { ifGenerationMatch?: string } | undefined)?.ifGenerationMatch
    if (wanted !== undefined) checkPreconditions({ generationMatch: BigInt(wanted) }, object)
    return object
  })
  const resource = (destination ?? {}) as Record<string, unknown>
  const change = readResource(resource)
  change.contentType ??= sources[0]?.contentType
  change.kmsKeyName = request.query['kmsKeyName']
  const componentCount = sources.reduce((sum, one) => sum + (one.componentCount ?? 1), 0)
  const acl = askedAcl(resource, request.query['destinationPredefinedAcl'], ownerOf(context))
  const write = { name: request.key, change, acl, conditions: readPreconditions(request), componentCount }
  const object = storeObject(context, bucket, Buffer.concat(sources.map(one => one.body)), write)
  return answerFields(context, objectResource(context, bucket, object, projectionOf(context, acl !== undefined)))
}
