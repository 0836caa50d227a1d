/** `files/upload` and the upload sessions. */
import { jsonAnswer } from '../strict/answer.ts'
import { contentHash } from './content-hash.ts'
import type { DropboxAnswer, OperationContext } from './context.ts'
import { DropboxError, endpointError, nested, PathProblem } from './errors.ts'
import type { appendArg, CommitInfo, finishArg, sessionStartArg, uploadArg } from './fields.ts'
import { fileMetadata } from './metadata.ts'
import type { Read } from './schema.ts'
import { bytesOf, isAligned, keep, keepAt, type Session } from './sessions.ts'
import { commit } from './write.ts'

/** Most bytes of a file in an upload session. */
const LARGEST = 2 ** 41 - 2 ** 22

/** 409 for a body that is too long, or is not what its hash says. */
function checkBody({ state, request }: OperationContext, hash: string | undefined): void {
  if (request.body.length > (state.options.maxRequestBytes ?? 150 * 1024 * 1024)) {
    throw endpointError(nested('payload_too_large'))
  }
  if (hash !== undefined && hash !== contentHash(request.body)) throw endpointError(nested('content_hash_mismatch'))
}

/** `files/upload`. */
export function upload(context: OperationContext, arg: Read<typeof uploadArg>): DropboxAnswer {
  const { state, request, base } = context
  checkBody(context, arg.content_hash)
  try {
    if (state.contention.take('files/upload', arg.path)) throw new PathProblem('too_many_write_operations')
    return jsonAnswer(fileMetadata(base, commit(context, request.body, arg)))
  } catch (error) {
    if (!(error instanceof PathProblem)) throw error
    // The bytes stay in a session, from which the commit may be tried again.
    const session = state.sessions.start('sequential')
    keep(session, request.body)
    throw endpointError({ '.tag': 'path', reason: nested(error.tags), upload_session_id: session.id })
  }
}

/** `files/upload_session/start`. */
export function startSession(context: OperationContext, arg: Read<typeof sessionStartArg>): DropboxAnswer {
  const { state, request } = context
  checkBody(context, arg.content_hash)
  const isConcurrent = arg.session_type['.tag'] === 'concurrent'
  if (isConcurrent && request.body.length > 0) throw endpointError(nested('concurrent_session_data_not_allowed'))
  if (isConcurrent && arg.close) throw endpointError(nested('concurrent_session_close_not_allowed'))
  const session = state.sessions.start(isConcurrent ? 'concurrent' : 'sequential')
  keep(session, request.body)
  session.closed = arg.close
  return jsonAnswer({ session_id: session.id })
}

type Cursor = Read<typeof appendArg>['cursor']

/** What is wrong with a cursor that is to add bytes, by tags; the field of the last is its value. */
type CursorProblem = readonly [tags: string, leaf?: Readonly<Record<string, unknown>>]

function problemOf(
  { state }: OperationContext,
  session: Session | undefined,
  { offset }: Cursor,
  bytes: number,
): CursorProblem | undefined {
  if (session === undefined) return ['not_found']
  if (session.committed) return [state.options.afterFinish ?? 'closed']
  if (session.closed && session.type === 'sequential' && bytes > 0) return ['closed']
  if (session.type === 'sequential' && offset !== session.size) {
    return ['incorrect_offset', { correct_offset: session.size }]
  }
  return offset + bytes > LARGEST ? ['too_large'] : undefined
}

/** `files/upload_session/append_v2`. */
export function append(context: OperationContext, arg: Read<typeof appendArg>): DropboxAnswer {
  const { state, request } = context
  const { body } = request
  checkBody(context, arg.content_hash)
  const session = state.sessions.find(arg.cursor.session_id)
  const problem =
    session?.closed === true && !session.committed
      ? (['closed'] as const)
      : problemOf(context, session, arg.cursor, body.length)
  if (problem !== undefined) throw endpointError(nested(...problem))
  if (session === undefined) throw new Error('a session that is not there has a problem')
  if (session.type === 'concurrent') appendConcurrent(session, arg, body)
  else appendNext(context, session, body)
  if (arg.close) session.closed = true
  return jsonAnswer(null)
}

function appendConcurrent(session: Session, { cursor, close }: Read<typeof appendArg>, body: Buffer): void {
  if (!isAligned(cursor.offset)) throw endpointError(nested('concurrent_session_invalid_offset'))
  if (!isAligned(body.length) && !close) throw endpointError(nested('concurrent_session_invalid_data_size'))
  keepAt(session, cursor.offset, body)
}

function appendNext({ state, request }: OperationContext, session: Session, body: Buffer): void {
  const partial = state.partialWrites.take(() => true)
  keep(session, partial === undefined ? body : body.subarray(0, partial.stored))
  if (partial?.answer === 503) throw new DropboxError(503, 'unavailable', 'Service Unavailable')
  if (partial?.answer === 'break') {
    request.message.socket.resetAndDestroy()
    throw new Error('the connection was broken on purpose')
  }
}

/** `files/upload_session/finish`. */
export function finishSession(context: OperationContext, arg: Read<typeof finishArg>): DropboxAnswer {
  const { state, request, base } = context
  checkBody(context, arg.content_hash)
  const { body } = request
  const session = state.sessions.find(arg.cursor.session_id)
  const problem = problemOf(context, session, arg.cursor, body.length)
  if (problem !== undefined) {
    throw endpointError({ '.tag': 'lookup_failed', lookup_failed: nested(...problem) })
  }
  if (session === undefined) throw new Error('a session that is not there has a problem')
  const bytes = session.type === 'concurrent' ? concurrentBytes(session, body) : sequentialBytes(session, body)
  if (state.contention.take('files/upload_session/finish', arg.commit.path)) {
    throw endpointError(nested('too_many_write_operations'))
  }
  const file = committed(context, session, bytes, arg.commit)
  return jsonAnswer(fileMetadata(base, file))
}

function sequentialBytes(session: Session, body: Buffer): Buffer {
  keep(session, body)
  return bytesOf(session) as Buffer
}

function concurrentBytes(session: Session, body: Buffer): Buffer {
  if (body.length > 0) throw endpointError(nested('concurrent_session_data_not_allowed'))
  if (!session.closed) throw endpointError(nested('concurrent_session_not_closed'))
  const bytes = bytesOf(session)
  if (bytes === undefined) throw endpointError(nested('concurrent_session_missing_data'))
  return bytes
}

/** Makes the file; the bytes stay in the session where that fails. */
function committed(
  context: OperationContext,
  session: Session,
  bytes: Buffer,
  info: CommitInfo,
): ReturnType<typeof commit> {
  try {
    const file = commit(context, bytes, info)
    session.committed = true
    session.pieces.clear()
    return file
  } catch (error) {
    if (error instanceof PathProblem) throw endpointError(nested(`path/${error.tags}`))
    throw error
  }
}

/** Keeps what arrived of a piece whose connection broke. */
export function keepArrived({ state }: Pick<OperationContext, 'state'>, arg: unknown, bytes: Buffer): void {
  const { cursor } = arg as Read<typeof appendArg>
  const session = state.sessions.find(cursor.session_id)
  if (session?.type !== 'sequential' || session.closed || session.committed || cursor.offset !== session.size) return
  keep(session, bytes)
}
