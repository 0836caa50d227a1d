/** The resumable protocol: start, parts, status queries, cancel; for the JSON and the XML API alike. */

import { Refusal } from '../strict/answer.ts'
import { needBucket } from './access.ts'
import { type Expected, expectedByHeaders } from './checksums.ts'
import { type ContentRange, readContentRange } from './content-range.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { GcsError, invalid } from './errors.ts'
import { insertAnswer, readInsert } from './insert.ts'
import type { PartialWrite } from './partial-writes.ts'
import { jsonBody } from './request.ts'
import { segment } from './resource.ts'
import { end, keep, QUANTUM, type Session } from './sessions.ts'
import { expectedByResource } from './settings.ts'
import { checkWrite, type ObjectWrite, storeObject } from './write.ts'
import { xmlWriteHeaders } from './xml-headers.ts'

/** Starts a session and answers with its address. */
export function startSession(context: OperationContext, write: ObjectWrite, expected: readonly Expected[]): Session {
  const { state, request, identity } = context
  const bucket = needBucket(context)
  checkWrite(context, bucket, write)
  const text = request.headers['x-upload-content-length']
  if (text !== undefined && !/^\d{1,15}$/.test(text)) throw invalid(`Invalid X-Upload-Content-Length: ${text}`)
  const announced = text === undefined ? undefined : Number(text)
  return state.sessions.start({
    bucket: bucket.name,
    name: write.name,
    write,
    expected,
    identity,
    started: request,
    announced,
  })
}

/** The address of a session. */
export function sessionHeaders(context: OperationContext, session: Session, path: string): Record<string, string> {
  const { state, request } = context
  const origin = state.options.sessionOrigin ?? `http://${request.headers['host'] ?? ''}`
  return {
    location: `${origin}${path}upload_id=${session.id}`,
    'x-guploader-uploadid': session.id,
    'x-goog-upload-status': 'active',
    'x-goog-upload-chunk-granularity': String(QUANTUM),
  }
}

/** `POST ...?uploadType=resumable` of the JSON API. */
export function startJson(context: OperationContext): GcsAnswer {
  const { request } = context
  const resource = jsonBody(request, { optional: true })
  const write = readInsert(context, resource, request.headers['x-upload-content-type'])
  const path = `/upload/storage/v1/b/${segment(request.bucket)}/o?uploadType=resumable&`
  const expected = [expectedByResource(resource), expectedByHeaders(request.headers)]
  const session = startSession(context, write, expected)
  return {
    status: 200,
    headers: { ...sessionHeaders(context, session, path), 'content-type': 'text/plain; charset=utf-8' },
  }
}

/** DELETE of a session: 499, and 410 from then on. */
export function cancelSession(context: OperationContext): GcsAnswer {
  const session = context.state.sessions.need(context.request.query['upload_id'])
  if (session.done !== undefined) throw plain(400, 'The upload has been finished already.')
  end(session)
  return { status: 499, headers: { 'content-type': 'text/plain; charset=utf-8' } }
}

/** PUT to a session: bytes, or a status query. */
export function putSession(context: OperationContext): GcsAnswer {
  const { state, request } = context
  const session = state.sessions.need(request.query['upload_id'])
  if (session.bucket !== request.bucket) throw plain(400, 'The session is one of another bucket.')
  const range = readContentRange(request.headers['content-range'], request.body.length)
  if (session.done !== undefined) return finished(context, session)
  if (range.first === undefined) return status(context, session, range)
  checkChunk(session, range, request.body.length)
  const total = range.total ?? (range.isLast ? range.first + request.body.length : undefined)
  if (total !== undefined) setTotal(session, total)
  const fresh = request.body.subarray(Math.min(session.size - range.first, request.body.length))
  const partial = state.partialWrites.take(session.name)
  if (partial !== undefined) return storePart(context, session, fresh, partial)
  keep(session, fresh)
  return session.total === session.size ? finish(context, session) : incomplete(session)
}

function plain(code: number, text: string): GcsError {
  return new GcsError(code, code === 503 ? 'backendError' : 'badRequest', text, { plain: text })
}

function setTotal(session: Session, total: number): void {
  const known = session.total ?? session.announced
  if (known !== undefined && known !== total) {
    throw plain(
      400,
      `Invalid request. The size of the upload was ${known} byte(s) and is now said to be ${total} byte(s).`,
    )
  }
  session.total = total
}

/** 400 for a part that is not what its header says, 503 for one that leaves a gap. */
function checkChunk(session: Session, range: ContentRange, length: number): void {
  const { first = 0, last, total, isLast } = range
  if (first > session.size) {
    throw plain(
      503,
      `Invalid request.  According to the Content-Range header, the upload offset is ${first} byte(s), which exceeds already uploaded size of ${session.size} byte(s).`,
    )
  }
  const announced = last === undefined ? length : last - first + 1
  if (announced !== length) {
    throw plain(
      400,
      `Invalid request.  There were ${length} byte(s) in the request body.  There should have been ${announced} byte(s) (starting at offset ${first} and ending at offset ${first + announced - 1}) according to the Content-Range header.`,
    )
  }
  if (total !== undefined && first + length > total) {
    throw plain(400, `Invalid request.  The part ends behind the size of the upload, ${total} byte(s).`)
  }
  if (!isLast && length % QUANTUM !== 0) {
    throw plain(
      400,
      `Invalid request.  The number of bytes uploaded is required to be equal or greater than ${QUANTUM}, except for the final request (it's recommended to be the exact multiple of ${QUANTUM}).  The received request contained ${length} bytes, which does not meet this requirement.`,
    )
  }
}

/** Stores some bytes of a part only, as a plan says. */
function storePart(context: OperationContext, session: Session, fresh: Buffer, partial: PartialWrite): GcsAnswer {
  const stored = Math.min(partial.stored, fresh.length)
  keep(session, fresh.subarray(0, stored - (stored % QUANTUM)))
  if (partial.answer === 503) throw new GcsError(503, 'backendError', 'Service Unavailable')
  if (partial.answer === 'break') {
    context.request.message?.socket.resetAndDestroy()
    throw new Error('the connection was broken on purpose')
  }
  return incomplete(session)
}

/** What arrived of a part whose connection broke: rounded down to 256 KiB, as the service does. */
export function keepArrived(context: Pick<OperationContext, 'state' | 'request'>, bytes: Buffer): void {
  const { state, request } = context
  const session = state.sessions.peek(request.query['upload_id'])
  if (session === undefined || session.done !== undefined || session.ended !== undefined) return
  const { first, total } = readContentRange(request.headers['content-range'], bytes.length)
  if (first === undefined || first > session.size) return
  if (total !== undefined) setTotal(session, total)
  const fresh = bytes.subarray(Math.min(session.size - first, bytes.length))
  keep(session, fresh.subarray(0, fresh.length - (fresh.length % QUANTUM)))
}

/** 308 with the range of the bytes that are stored, and with none where nothing is. */
function incomplete(session: Session): GcsAnswer {
  const headers: Record<string, string> = {
    'x-guploader-uploadid': session.id,
    'content-type': 'text/plain; charset=utf-8',
  }
  if (session.size > 0) headers['range'] = `bytes=0-${session.size - 1}`
  return { status: 308, headers }
}

function status(context: OperationContext, session: Session, { total }: ContentRange): GcsAnswer {
  if (context.request.body.length > 0) throw plain(400, 'Invalid request.  A status query has no body.')
  if (total !== undefined) {
    setTotal(session, total)
    if (context.state.options.completeOnTotal && total === session.size) return finish(context, session)
  }
  return incomplete(session)
}

/** Makes the object; whatever refuses it ends the session. */
function finish(context: OperationContext, session: Session): GcsAnswer {
  const { state, request } = context
  const own = { state, request: { ...session.started, message: request.message }, identity: session.identity }
  const bytes = Buffer.concat(session.chunks)
  try {
    const expected = [...session.expected, expectedByHeaders(request.headers)]
    session.done = storeObject(own, needBucket(own, session.bucket), bytes, session.write, ...expected)
  } catch (error) {
    if (error instanceof Refusal && error.status < 500 && error.status !== 429) session.ended = error
    throw error
  }
  session.chunks.length = 0
  return finished(context, session)
}

/** The answer of a finished upload, as often as it is asked for. */
function finished(context: OperationContext, session: Session): GcsAnswer {
  const { state } = context
  const own = { state, request: session.started, identity: session.identity }
  const object = session.done
  if (object === undefined) throw new Error('the upload is not finished')
  if (session.started.api === 'xml') return { status: 200, headers: xmlWriteHeaders(object) }
  return insertAnswer(own, needBucket(own, session.bucket), object)
}
