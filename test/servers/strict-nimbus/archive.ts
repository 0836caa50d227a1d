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
  const collection = collectionOf(context)
  const order = collection.nextOrder()
  collection.put(request.key, { version, order, body: request.body, archivedAt: state.now(), meta: metaOf(request) })
  return jsonAnswer({ version_identifier: version })
}

/** A part is taken whatever became of the archive. */
function archivePart(context: NimbusContext, id: string, part: string | undefined): StrictAnswer {
  const { request } = context
  if (part === undefined || !/^[1-9]\d{0,5}$/.test(part)) throw new NimbusError(400, 'conjoined_part begins with 1.')
  const conjoined = conjoinedOf(context, id)
  if (conjoined.key === request.key) {
    conjoined.parts.set(Number(part), request.body)
    conjoined.meta = { ...conjoined.meta, ...metaOf(request) }
    show(context, conjoined)
  }
  return jsonAnswer({ version_identifier: id })
}

/** The archive of an identifier; one that the service never made cannot be read, which is its own error. */
function conjoinedOf(context: NimbusContext, id: string): Conjoined {
  const found = collectionOf(context).conjoined.get(id)
  if (found === undefined) throw new NimbusError(500, 'The identifier cannot be read.')
  return found
}

/** Makes a version of an archive that is complete and not aborted: of the parts that there are, if the first is among them. */
function show(context: NimbusContext, conjoined: Conjoined): void {
  const { id: version, order, key, parts, meta, completedAt: archivedAt, abortedAt } = conjoined
  const collection = collectionOf(context)
  if (archivedAt === undefined || !parts.has(1)) return
  if (abortedAt !== undefined) {
    collection.remove(key, version)
    return
  }
  const numbers = [...parts.keys()].toSorted((a, b) => a - b)
  const body = Buffer.concat(numbers.map(number => parts.get(number)!))
  collection.put(key, { version, order, body, archivedAt, meta })
}

/** POST ?action=start. */
export function startConjoined(context: NimbusContext): StrictAnswer {
  const { state, request } = context
  const { key } = request
  const id = newId()
  const createdAt = state.now()
  const none = { abortedAt: undefined, completedAt: undefined }
  const collection = collectionOf(context)
  const order = collection.nextOrder()
  collection.conjoined.set(id, { id, order, key, createdAt, parts: new Map(), meta: {}, ...none })
  return jsonAnswer({ conjoined_identifier: id, key, create_timestamp: httpTime(createdAt) })
}

/** POST ?action=finish: notes the time. That is a success whether parts are missing, the archive was aborted, or is another key's. */
export function finishConjoined(context: NimbusContext): StrictAnswer {
  return note(context, 'completedAt')
}

/** POST ?action=abort: notes the time, and hides the file if the archive was complete. */
export function abortConjoined(context: NimbusContext): StrictAnswer {
  return note(context, 'abortedAt')
}

function note(context: NimbusContext, what: 'completedAt' | 'abortedAt'): StrictAnswer {
  const conjoined = conjoinedOf(context, context.request.conjoinedIdentifier)
  if (conjoined.key === context.request.key) {
    conjoined[what] = context.state.now()
    show(context, conjoined)
  }
  return jsonAnswer({ success: true })
}
