/** The query parameters of the JSON API. The service ignores those that it does not know; this server refuses them, so that no condition is lost to a slip of the pen. */
import { GcsError, missing } from './errors.ts'
import type { GcsRequest } from './request.ts'

const all = 'alt,fields,prettyPrint,key,quotaUser,userProject,uploadType,upload_id'.split(',')
const conditions = 'ifGenerationMatch,ifGenerationNotMatch,ifMetagenerationMatch,ifMetagenerationNotMatch'.split(',')
const sources =
  'ifSourceGenerationMatch,ifSourceGenerationNotMatch,ifSourceMetagenerationMatch,ifSourceMetagenerationNotMatch'.split(
    ',',
  )
const object = [...conditions, 'generation', 'projection', 'softDeleted']
const insert = [...conditions, 'name', 'contentEncoding', 'kmsKeyName', 'predefinedAcl', 'projection']
const copy = [
  ...conditions,
  ...sources,
  'sourceGeneration',
  'destinationPredefinedAcl',
  'destinationKmsKeyName',
  'projection',
]

const own: Readonly<Record<string, readonly string[]>> = {
  'buckets.get': [...conditions.slice(2), 'projection'],
  'buckets.list': ['project', 'prefix', 'pageToken', 'maxResults', 'projection'],
  'buckets.insert': ['project', 'predefinedAcl', 'predefinedDefaultObjectAcl', 'projection', 'enableObjectRetention'],
  'buckets.patch': [...conditions.slice(2), 'projection', 'predefinedAcl', 'predefinedDefaultObjectAcl'],
  'buckets.delete': conditions.slice(2),
  'objects.get': object,
  'objects.download': object,
  'objects.patch': [...object, 'predefinedAcl', 'overrideUnlockedRetention'],
  'objects.update': [...object, 'predefinedAcl', 'overrideUnlockedRetention'],
  // `versions` means nothing here: the official client sends it after a listing of versions.
  'objects.delete': [...conditions, 'generation', 'versions'],
  'objects.list':
    'prefix,delimiter,startOffset,endOffset,includeTrailingDelimiter,includeFoldersAsPrefixes,maxResults,pageToken,versions,projection,matchGlob,softDeleted'.split(
      ',',
    ),
  'objects.compose': [...conditions, 'destinationPredefinedAcl', 'kmsKeyName'],
  'objects.copy': copy,
  'objects.rewrite': [...copy, 'rewriteToken', 'maxBytesRewrittenPerCall'],
  'objects.insert': insert,
  'objects.insert.start': insert,
  'objects.insert.part': insert,
  'objects.insert.status': insert,
  'objects.insert.cancel': insert,
}

/** 400 for a parameter that the method does not have, or that comes twice. */
export function checkParameters(operation: string, request: GcsRequest): void {
  if (!['json', 'upload', 'download'].includes(request.api)) return
  const known = operation.includes('AccessControls.') ? ['generation'] : (own[operation] ?? [])
  const seen = new Set<string>()
  for (const [name] of request.pairs) {
    const details = { location: name, locationType: 'parameter' }
    if (!all.includes(name) && !known.includes(name)) {
      throw new GcsError(
        400,
        'invalidParameter',
        `The test server knows no parameter ${name} of ${operation}.`,
        details,
      )
    }
    if (seen.has(name)) throw new GcsError(400, 'invalidParameter', `Parameter ${name} comes twice.`, details)
    seen.add(name)
  }
  const alt = request.query['alt']
  if (alt !== undefined && alt !== 'json' && alt !== 'media') {
    throw new GcsError(400, 'invalidAltValue', `Invalid alt value: ${alt}`, {
      location: 'alt',
      locationType: 'parameter',
    })
  }
  if (
    request.api === 'upload' &&
    request.query['uploadType'] === undefined &&
    request.query['upload_id'] === undefined
  ) {
    throw missing('uploadType')
  }
}
