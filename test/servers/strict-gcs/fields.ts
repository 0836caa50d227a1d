/** Partial answers: the `fields` parameter (https://cloud.google.com/storage/docs/json_api#partial-response). */
import { GcsError } from './errors.ts'

/** What is selected: names with what is selected below them, undefined for all of it. */
export type Selection = ReadonlyMap<string, Selection | undefined>

/** Every name that a resource of this API has: another one in `fields` is an error. */
const known: ReadonlySet<string> = new Set(
  (
    'kind,id,selfLink,mediaLink,name,bucket,generation,metageneration,contentType,storageClass,size,md5Hash,crc32c,etag,' +
    'contentEncoding,contentDisposition,contentLanguage,cacheControl,metadata,customTime,temporaryHold,eventBasedHold,' +
    'kmsKeyName,componentCount,timeCreated,updated,timeStorageClassUpdated,timeFinalized,timeDeleted,acl,owner,entity,' +
    'items,prefixes,nextPageToken,totalBytesRewritten,objectSize,done,rewriteToken,resource,role,email,projectNumber,' +
    'location,locationType,iamConfiguration,versioning,enabled,labels,uniformBucketLevelAccess,publicAccessPrevention,object'
  ).split(','),
)

/** Parses `a,b/c,items(name,size)`; 400 for anything else. */
export function parseFields(text: string): Selection {
  let at = 0
  const failed = (): GcsError =>
    new GcsError(400, 'invalidParameter', `Invalid field selection ${text}`, {
      location: 'fields',
      locationType: 'parameter',
    })
  const readName = (): string => {
    const name = /^[A-Za-z0-9_*-]+/.exec(text.slice(at))?.[0]
    if (name === undefined) throw failed()
    at += name.length
    return name
  }
  const readList = (free: boolean): Selection => {
    const found = new Map<string, Selection | undefined>()
    for (;;) {
      const name = readName()
      if (!free && name !== '*' && !known.has(name)) throw failed()
      found.set(name, readBelow(free || name === 'metadata' || name === 'labels'))
      if (text[at] !== ',') return found
      at++
    }
  }
  const readBelow = (free: boolean): Selection | undefined => {
    if (text[at] === '/') {
      at++
      const name = readName()
      if (!free && name !== '*' && !known.has(name)) throw failed()
      return new Map([[name, readBelow(free || name === 'metadata')]])
    }
    if (text[at] !== '(') return undefined
    at++
    const list = readList(free)
    if (text[at] !== ')') throw failed()
    at++
    return list
  }
  const selection = readList(false)
  if (at !== text.length) throw failed()
  return selection
}

/** Keeps what is selected. */
export function select(value: Record<string, unknown>, selection: Selection): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(value)) {
    const isNamed = selection.has(name)
    if (!isNamed && !selection.has('*')) continue
    kept[name] = below(one, isNamed ? selection.get(name) : selection.get('*'))
  }
  return kept
}

function below(value: unknown, selection: Selection | undefined): unknown {
  if (selection === undefined || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(one => below(one, selection))
  return select(value as Record<string, unknown>, selection)
}
