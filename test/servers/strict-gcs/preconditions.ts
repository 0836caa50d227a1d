/** Preconditions (https://cloud.google.com/storage/docs/request-preconditions). */
import { conditionNotMet, invalid } from './errors.ts'
import { etagOf } from './etag.ts'
import { type GcsRequest, numberParameter } from './request.ts'
import type { StoredObject } from './store.ts'

/** What a request demands of an object. */
export interface Preconditions {
  readonly generationMatch?: bigint | undefined
  readonly generationNotMatch?: bigint | undefined
  readonly metagenerationMatch?: bigint | undefined
  readonly metagenerationNotMatch?: bigint | undefined
  /** ETags as headers tell them. */
  readonly match?: string | undefined
  readonly noneMatch?: string | undefined
}

/** The conditions in the query: `if` + `Source` for those on a source. */
export function readPreconditions(request: GcsRequest, kind: '' | 'Source' = ''): Preconditions {
  const read = (name: string): bigint | undefined => numberParameter(request, `if${kind}${name}`)
  const found = {
    generationMatch: read('GenerationMatch'),
    generationNotMatch: read('GenerationNotMatch'),
    metagenerationMatch: read('MetagenerationMatch'),
    metagenerationNotMatch: read('MetagenerationNotMatch'),
  }
  if (kind === 'Source') return found
  return { ...found, match: request.headers['if-match'], noneMatch: request.headers['if-none-match'] }
}

/** The conditions in headers of the XML API; `prefix` is `x-goog-` or `x-goog-copy-source-`. */
export function readXmlPreconditions(headers: Readonly<Record<string, string>>, prefix = 'x-goog-'): Preconditions {
  const read = (name: string): bigint | undefined => {
    const text = headers[`${prefix}if-${name}`]
    if (text === undefined) return undefined
    if (!/^\d{1,19}$/.test(text)) throw invalid(`Invalid value for ${prefix}if-${name}: ${text}`)
    return BigInt(text)
  }
  const found = {
    generationMatch: read('generation-match'),
    metagenerationMatch: read('metageneration-match'),
  }
  if (prefix !== 'x-goog-') return found
  return { ...found, match: headers['if-match'], noneMatch: headers['if-none-match'] }
}

function matches(text: string, object: StoredObject | undefined): boolean {
  if (object === undefined) return false
  const wanted = text.split(',').map(one => one.trim())
  return wanted.includes('*') || wanted.some(one => one === etagOf(object) || one === etagOf(object, 'xml'))
}

/** 412 where a condition does not hold, 304 for a `NotMatch` of a read. */
export function checkPreconditions(
  conditions: Preconditions,
  object: StoredObject | undefined,
  { read = false }: { readonly read?: boolean } = {},
): void {
  const { generationMatch, generationNotMatch, metagenerationMatch, metagenerationNotMatch } = conditions
  const generation = object?.generation ?? 0n
  const metageneration = object?.metageneration
  const miss = (holds: boolean, status: 304 | 412, header?: string): void => {
    if (!holds) throw conditionNotMet(status, header)
  }
  const not = read ? 304 : 412
  if (generationMatch !== undefined) miss(generation === generationMatch, 412)
  if (metagenerationMatch !== undefined) miss(metageneration === metagenerationMatch, 412)
  if (conditions.match !== undefined) miss(matches(conditions.match, object), 412)
  if (generationNotMatch !== undefined) miss(generation !== generationNotMatch, not, 'If-None-Match')
  if (metagenerationNotMatch !== undefined) miss(metageneration !== metagenerationNotMatch, not, 'If-None-Match')
  if (conditions.noneMatch !== undefined) miss(!matches(conditions.noneMatch, object), not, 'If-None-Match')
}
