/** Writing: one body, or an archive in parts. */
import { createHash } from 'node:crypto'
import { jsonAnswer } from '../strict/answer.ts'
import { queryPairs } from '../strict/request.ts'
import type { NimbusContext, StrictAnswer } from './context.ts'
import { NimbusError } from './errors.ts'
import { unquoted } from './request.ts'
import { type Conjoined, type NimbusCollection, newId } from './store.ts'
import { httpTime } from './times.ts'

/** The collection of the host; that it is there was checked with the signature. */
export function collectionOf({ state, request }: NimbusContext): NimbusCollection {
  return state.store.collections.get(request.collection)!
}

/** What is refused before the body is read. */
export function checkArchiveHeaders({ headers }: NimbusContext['request'], takesEmpty: boolean): void {
  const length = headers['content-length']
  if (length === undefined) throw new NimbusError(411, 'Content-Length is needed.')
  if (!/^\d+$/.test(length)) throw new NimbusError(400, 'Content-Length is not valid.')
  if (Number(length) === 0 && !takesEmpty) throw new NimbusError(403, 'cannot archive: content_length = 0')
}

function checkMd5({ headers, body }: NimbusContext['request']): void {
  const text = headers['content-md5']
  if (text === undefined) return
  if (text !== createHash('md5').update(body).digest('base64')) {
    throw new NimbusError(400, 'body md5 does not match content-md5 header')
  }
}

/** Metadata: parameters with either prefix, whose names get that of the service; they are decoded once on every server. */
function metaOf({ rawQuery }: NimbusContext['request']): Record<string, string> {
  const meta: Record<string, string> = {}
  for (const [name, value] of queryPairs(rawQuery, unquoted)) {
    const [, rest] = /^(?:__nimbus_io__|x-amz-meta-)(.+)$/s.exec(name) ?? []
    if (rest !== undefined) meta[`__nimbus_io__${rest}`] = value
  }
  return meta
}

/** POST of a body: a new version, or a part of an archive. */
export function archiveKey(context: NimbusContext): StrictAnswer {
  const { state, request } = context
  checkMd5(request)
  const { conjoined_identifier: id, conjoined_part: part } = request.query
  if (id !== undefined) return archivePart(context, id, part)
  if (part !== undefined) throw new NimbusError(400, 'A part is one of an archive.')
  const version = newId()
  const archived = { version, body: request.body, archivedAt: state.now(), meta: metaOf(request) }
  collectionOf(context).put(request.key, archived)
  return jsonAnswer({ version_identifier: version })
}

function archivePart(context: NimbusContext, id: string, part: string | undefined): StrictAnswer {
  const { request } = context
  const conjoined = openConjoined(context, id)
  if (part === undefined || !/^[1-9]\d{0,5}$/.test(part)) throw new NimbusError(400, 'conjoined_part begins with 1.')
  conjoined.parts.set(Number(part), request.body)
  conjoined.meta = { ...conjoined.meta, ...metaOf(request) }
  return jsonAnswer({ version_identifier: id })
}

/** The archive in parts; where it is not open, the service takes that for trouble of a node. */
function openConjoined(context: NimbusContext, id: string): Conjoined {
  const found = collectionOf(context).openConjoined.find(one => one.id === id)
  if (found === undefined || found.key !== context.request.key) throw new NimbusError(503, 'There is no such archive.')
  return found
}

/** POST ?action=start. */
export function startConjoined(context: NimbusContext): StrictAnswer {
  const { state, request } = context
  const { key } = request
  const id = newId()
  const createdAt = state.now()
  const none = { abortedAt: undefined, completedAt: undefined }
  collectionOf(context).conjoined.set(id, { id, key, createdAt, parts: new Map(), meta: {}, ...none })
  return jsonAnswer({ conjoined_identifier: id, key, create_timestamp: httpTime(createdAt) })
}

/** POST ?action=finish: the parts, in the order of their numbers, are a version. */
export function finishConjoined(context: NimbusContext): StrictAnswer {
  const { state, request } = context
  const conjoined = openConjoined(context, request.conjoinedIdentifier)
  const numbers = [...conjoined.parts.keys()].toSorted((a, b) => a - b)
  if (numbers.length === 0 || numbers.some((number, at) => number !== at + 1)) {
    throw new NimbusError(503, 'Parts of the archive are missing.')
  }
  const body = Buffer.concat(numbers.map(number => conjoined.parts.get(number)!))
  conjoined.completedAt = state.now()
  conjoined.parts.clear()
  const { id: version, meta, completedAt: archivedAt } = conjoined
  collectionOf(context).put(request.key, { version, body, archivedAt, meta })
  return jsonAnswer({ success: true })
}

/** POST ?action=abort. */
export function abortConjoined(context: NimbusContext): StrictAnswer {
  const conjoined = openConjoined(context, context.request.conjoinedIdentifier)
  conjoined.abortedAt = context.state.now()
  conjoined.parts.clear()
  return jsonAnswer({ success: true })
}
