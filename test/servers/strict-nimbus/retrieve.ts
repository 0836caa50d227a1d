/** Reading and deleting. */
import { jsonAnswer } from '../strict/answer.ts'
import { collectionOf } from './archive.ts'
import type { NimbusContext, StrictAnswer } from './context.ts'
import { NimbusError } from './errors.ts'
import type { ArchivedVersion } from './store.ts'
import { httpTime } from './times.ts'

/** Types and encodings as they are guessed by the end of a key. */
const TYPES: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  html: 'text/html',
  css: 'text/css',
  csv: 'text/csv',
  json: 'application/json',
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  pdf: 'application/pdf',
  tar: 'application/x-tar',
  zip: 'application/zip',
}
const ENCODINGS: Readonly<Record<string, string>> = { gz: 'gzip', bz2: 'bzip2', xz: 'xz' }

function guessed(key: string): Record<string, string> {
  const ends = key.toLowerCase().split('.').slice(1)
  const encoding = ENCODINGS[ends.at(-1) ?? '']
  const type = TYPES[(encoding === undefined ? ends.at(-1) : ends.at(-2)) ?? ''] ?? 'application/octet-stream'
  return { 'content-type': type, ...(encoding === undefined ? {} : { 'content-encoding': encoding }) }
}

function needVersion(context: NimbusContext, version: string | undefined): ArchivedVersion {
  const found = collectionOf(context).version(context.request.key, version)
  if (found === undefined) throw new NimbusError(404, 'Not Found')
  return found
}

function headerTime(text: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new NimbusError(503, 'unparsable timestamp')
  return ms
}

/** 304 or 412 where a condition says so; times are compared to the millisecond although headers have seconds only. */
function conditional({ headers }: NimbusContext['request'], { archivedAt }: ArchivedVersion): StrictAnswer | undefined {
  const told = { 'last-modified': httpTime(archivedAt) }
  const since = headers['if-modified-since']
  if (since !== undefined && archivedAt < headerTime(since)) return { status: 304, headers: told }
  const unmodified = headers['if-unmodified-since']
  if (unmodified !== undefined && archivedAt > headerTime(unmodified)) return { status: 412, headers: told }
  return undefined
}

/** GET of a key: all of it, or one range; a range that cannot be read is 503. */
export function retrieveKey(context: NimbusContext): StrictAnswer {
  const { request } = context
  const found = needVersion(context, request.query['version_identifier'])
  const refused = conditional(request, found)
  if (refused !== undefined) return refused
  const headers = { ...guessed(request.key), 'last-modified': httpTime(found.archivedAt) }
  const range = request.headers['range']
  if (range === undefined) return { status: 200, headers, body: found.body }
  const size = found.body.length
  const [, first, last = ''] = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range) ?? []
  if (first === undefined) throw new NimbusError(503, 'unparsable range header')
  const [start, end] = [Number(first), last === '' ? size : Math.min(size, Number(last) + 1)]
  if (start >= end) throw new NimbusError(503, 'invalid range header')
  const isLong = context.state.options.longRanges === true && last !== ''
  const told = { ...headers, 'content-range': `bytes ${start}-${isLong ? Number(last) : end - 1}/${size}` }
  return { status: 206, headers: told, body: found.body.subarray(start, end) }
}

/** HEAD of a key. */
export function headKey(context: NimbusContext): StrictAnswer {
  const found = needVersion(context, undefined)
  const refused = conditional(context.request, found)
  if (refused !== undefined) return refused
  const headers = { ...guessed(context.request.key), 'last-modified': httpTime(found.archivedAt) }
  return { status: 200, headers, body: found.body }
}

/** GET ?action=meta. */
export function retrieveMeta(context: NimbusContext): StrictAnswer {
  return jsonAnswer(Object.entries(needVersion(context, undefined).meta))
}

/** DELETE of a key, whether it is there or not. */
export function deleteKey(context: NimbusContext): StrictAnswer {
  const { key, query } = context.request
  const remembers = context.state.options.countsDeleted === true
  collectionOf(context).remove(key, query['version_identifier'], { remembers })
  return jsonAnswer({ success: true })
}
