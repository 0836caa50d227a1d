/** Manifests of static large objects (https://docs.openstack.org/swift/latest/overview_large_objects.html). */
import type { StrictAnswer } from '../strict/answer.ts'
import type { OperationContext } from './context.ts'
import { complaint, failed, statusLine } from './errors.ts'
import { objectAt } from './lookup.ts'
import { listedDate, md5, type SloSegment } from './store.ts'
import { attributesOf, checkUpload, plainEtag, store, typeOf, written } from './write.ts'

const KEYS = ['path', 'etag', 'size_bytes', 'range']

/** One segment as it comes. */
interface Asked {
  readonly path: string
  readonly etag?: string | null
  readonly size_bytes?: number | null
  readonly range?: string
}

function parseManifest(context: OperationContext): Asked[] {
  const { request, state } = context
  let value: unknown
  try {
    value = JSON.parse(request.body.toString('utf8'))
  } catch {
    throw failed(400, 'Manifest must be valid JSON.\n')
  }
  if (!Array.isArray(value)) throw failed(400, 'Manifest must be a list.\n')
  const errors = value.flatMap((one, index) => problemOf(one, index, value.length, context))
  if (errors.length > 0) throw failed(400, errors.map(line => `${line}\n`).join(''), { 'content-type': 'text/plain' })
  if (value.length > state.limits.maxManifestSegments) {
    throw failed(413, `Number of object-backed segments must be <= ${state.limits.maxManifestSegments}`)
  }
  if (value.length === 0) throw complaint('a manifest without segments')
  return value as Asked[]
}

/** What is wrong with one segment of a manifest; none or one. */
function problemOf(one: unknown, index: number, count: number, { request }: OperationContext): string[] {
  const problem = (text: string): string[] => [`Index ${index}: ${text}`]
  if (typeof one !== 'object' || one === null || Array.isArray(one)) return problem('not a JSON object')
  const { path, etag, size_bytes: size, range } = one as Record<string, unknown>
  if (path === undefined) return problem("expected keys to include one of 'data' or 'path'")
  const more = Object.keys(one).filter(key => !KEYS.includes(key))
  if (more.length > 0) return problem(`extraneous keys ${more.map(key => `"${key}"`).join(', ')}`)
  if (typeof path !== 'string') return problem('"path" must be a string')
  if (etag !== undefined && etag !== null && typeof etag !== 'string')
    return problem('"etag" must be a string or null (if provided)')
  if (!path.replace(/^\/+|\/+$/g, '').includes('/')) {
    return problem('path does not refer to an object. Path must be of the form /container/object.')
  }
  if (size !== undefined && size !== null) {
    if (!Number.isSafeInteger(Number(size))) return problem('invalid size_bytes')
    if (Number(size) < 1 && index < count - 1) return problem('too small; each segment must be at least 1 byte.')
  }
  if (path.replace(/^\/+/, '') === `${request.container}/${request.key}`) {
    return problem('manifest must not include itself as a segment')
  }
  if (range !== undefined && !/^(\d+-\d*|-\d+)$/.test(String(range))) return problem('invalid range')
  return []
}

/** The part `first-last` of a segment that a range means. */
function rangeOf(text: string | undefined, size: number): string | undefined {
  if (text === undefined) return undefined
  const [first = '', last = ''] = text.split('-')
  if (first === '') return `${Math.max(0, size - Number(last))}-${size - 1}`
  return `${first}-${last === '' ? size - 1 : Math.min(Number(last), size - 1)}`
}

/** Checks a manifest against its segments and stores it. */
export function putManifest(context: OperationContext): StrictAnswer {
  const { state, request } = context
  const { key: name, headers, query, body } = request
  if (!state.features.slo) throw complaint('a manifest to a server without SLO')
  if (query['heartbeat'] !== undefined) throw complaint('heartbeat is not known here')
  const container = checkUpload(context, state.limits.maxManifestSize)
  if (body.length > state.limits.maxManifestSize)
    throw failed(413, `Manifest File > ${state.limits.maxManifestSize} bytes`)
  const problems: (readonly [path: string, what: string])[] = []
  const segments = parseManifest(context).map((asked, index, all): SloSegment => {
    const path = `/${asked.path.replace(/^\/+/, '')}`
    const refuse = (what: string): void => void problems.push([encodeURI(path), what])
    const found = objectAt(context, path)
    if (found === undefined) refuse(statusLine(404))
    const size = found === undefined ? 0 : (found.slo?.size ?? found.bytes.length)
    const hash = found?.slo?.etag ?? found?.etag ?? ''
    if (found !== undefined) {
      if (found.manifest !== undefined) throw complaint('a dynamic large object as a segment')
      const { minSegmentSize: least } = state.limits
      if (size < least && index < all.length - 1) refuse(`Too Small; each segment must be at least ${least} byte.`)
      if (asked.size_bytes !== undefined && asked.size_bytes !== null && asked.size_bytes !== size)
        refuse('Size Mismatch')
      if (asked.etag !== undefined && asked.etag !== null && plainEtag(asked.etag) !== hash) refuse('Etag Mismatch')
    }
    const range = rangeOf(asked.range, size)
    const [first = 0, last = 0] = range?.split('-').map(Number) ?? []
    if (range !== undefined && (first >= size || last < first)) refuse('Unsatisfiable Range')
    const rest = {
      contentType: found?.contentType ?? '',
      lastModified: listedDate(found?.stamp ?? '0', false),
      isSlo: found?.slo !== undefined,
    }
    return { name: path, hash, bytes: size, range, ...rest }
  })
  if (problems.length > 0) throw failed(400, problemText(problems, headers['accept']))
  const etag = md5(segments.map(({ hash, range }) => (range === undefined ? hash : `${hash}:${range};`)).join(''))
  const claimed = plainEtag(headers['etag'])
  if (claimed !== undefined && claimed !== etag) throw failed(422)
  const kept = Buffer.from(JSON.stringify(segments.map(keptSegment)))
  const size = segments.reduce((sum, { bytes, range }) => sum + lengthOf(range, bytes), 0)
  const attributes = attributesOf(request, state)
  const contentType = typeOf(request, name)
  const slo = { segments, etag, size }
  const object = { name, bytes: kept, etag: md5(kept), contentType, stamp: state.stamp(), slo, ...attributes }
  store(container, object)
  return written(object)
}

function lengthOf(range: string | undefined, bytes: number): number {
  const [first = 0, last = bytes - 1] = range?.split('-').map(Number) ?? []
  return last - first + 1
}

function keptSegment({ name, hash, bytes, contentType, lastModified, range, isSlo }: SloSegment): object {
  const more = { ...(range === undefined ? {} : { range }), ...(isSlo ? { sub_slo: true } : {}) }
  return { name, hash, bytes, content_type: contentType, last_modified: lastModified, ...more }
}

function problemText(problems: readonly (readonly [string, string])[], accept: string | undefined): string {
  if (accept === 'application/json') return JSON.stringify({ Errors: problems })
  return `Errors:\n${problems.map(([path, what]) => `${path}, ${what}`).join('\n')}\n`
}
