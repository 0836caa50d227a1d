/** Batches of at most 100 calls, with an answer to each (https://cloud.google.com/storage/docs/batch). */
import { randomBytes } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { Refusal, type StrictAnswer } from '../strict/answer.ts'
import { authenticate } from './auth.ts'
import type { GcsAnswer, OperationContext } from './context.ts'
import { errorAnswer, GcsError } from './errors.ts'
import { type MimePart, readHead, splitParts } from './mime.ts'
import { address, decode, type GcsRequest } from './request.ts'
import { operationName, runOperation } from './routes.ts'

/** Most calls of one batch. */
const MOST = 100

/** POST /batch/storage/v1. */
export async function runBatch(context: OperationContext): Promise<GcsAnswer> {
  const { request } = context
  const parts = splitParts(request.body, request.headers['content-type'] ?? '', 'multipart/mixed')
  if (parts.length > MOST) {
    const message = `The batch request contains ${parts.length} calls; at most ${MOST} are allowed.`
    throw new GcsError(400, 'badRequest', message)
  }
  const boundary = `batch_${randomBytes(18).toString('base64url')}`
  const answers: Buffer[] = []
  for (const part of parts) answers.push(Buffer.from(`--${boundary}\r\n`), await answerPart(context, part))
  answers.push(Buffer.from(`--${boundary}--\r\n`))
  return {
    status: 200,
    headers: { 'content-type': `multipart/mixed; boundary=${boundary}` },
    body: Buffer.concat(answers),
  }
}

/** One call and its answer, as a part of the answer. */
async function answerPart(context: OperationContext, part: MimePart): Promise<Buffer> {
  const id = part.headers['content-id']
  const named = id === undefined ? '' : `Content-ID: ${id.replace(/^<?/, '<response-').replace(/>?$/, '>')}\r\n`
  const { status, headers = {}, body = '' } = await carryOut(context, part)
  const bytes = Buffer.from(body)
  const lines = Object.entries({ ...headers, 'content-length': String(bytes.length) }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  const head = `Content-Type: application/http\r\n${named}\r\nHTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n')])
}

async function carryOut(context: OperationContext, part: MimePart): Promise<StrictAnswer> {
  const { state } = context
  let request: GcsRequest | undefined
  let operation = 'Unknown'
  let answer: StrictAnswer
  let code: string | undefined
  let email: string | undefined
  try {
    request = readPart(context, part)
    operation = operationName(request)
    const fault = state.running.faults?.take(operation, request)
    if (fault !== undefined && fault.do !== 'refuse') throw new Error(`a part of a batch cannot ${fault.do}`)
    if (fault !== undefined && fault.at !== 'after')
      throw new GcsError(fault.status, fault.code ?? 'backendError', 'A fault that the test asked for.')
    const identity = authenticate(request, state)
    email = identity.account?.email
    answer = await runOperation(operation, { state, request, identity })
    if (fault !== undefined)
      throw new GcsError(fault.status, fault.code ?? 'backendError', 'A fault that the test asked for.')
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    code = error.code
    answer = errorAnswer(error, 'json')
  }
  if (request !== undefined) {
    const { method, headers, body, rawPath, rawQuery } = request
    const url = rawQuery === '' ? rawPath : `${rawPath}?${rawQuery}`
    state.running.log?.(
      { operation, method, url, headers, bodySize: body.length, status: answer.status, code },
      request,
      email,
    )
  }
  return answer
}

/** The call in a part: its own headers over those of the batch. */
function readPart(context: OperationContext, part: MimePart): GcsRequest {
  const malformed = (why: string): GcsError => new GcsError(400, 'badRequest', `Failed to parse batch request: ${why}.`)
  if (!/^application\/http\s*(;|$)/i.test(part.headers['content-type'] ?? ''))
    throw malformed('a part is not application/http')
  const end = part.body.indexOf('\r\n\r\n')
  const headText = part.body.toString('latin1', 0, end === -1 ? part.body.length : end)
  const line = headText.split('\r\n', 1)[0] ?? ''
  const match = /^(GET|POST|PUT|PATCH|DELETE) (\S+)(?: HTTP\/1\.1)?$/.exec(line)
  if (match === null) throw malformed('a part has no request line')
  const [, method = '', target = ''] = match
  const path = target.replace(/^https?:\/\/[^/]+/, '')
  if (!path.startsWith('/storage/v1/')) throw malformed(`${path.split('?')[0]} is no address of this API`)
  const at = path.indexOf('?')
  const rawQuery = at === -1 ? '' : path.slice(at + 1)
  const pairs = rawQuery === '' ? [] : rawQuery.split('&').map(pairOf)
  if (pairs.some(([name, value]) => name === 'alt' && value === 'media')) throw malformed('no media in a batch')
  const query: Record<string, string | undefined> = {}
  for (const [name, value] of pairs) query[name] ??= value
  const own = readHead(headText.slice(line.length))
  const { authorization } = context.request.headers
  const headers = authorization === undefined || own['authorization'] !== undefined ? own : { ...own, authorization }
  const body = end === -1 ? Buffer.alloc(0) : part.body.subarray(end + 4)
  const announced = own['content-length']
  if (announced !== undefined && Number(announced) !== body.length)
    throw malformed('Content-Length is not that of the part')
  const rawPath = at === -1 ? path : path.slice(0, at)
  const requestId = context.request.requestId
  return address({ requestId, method, rawPath, rawQuery, pairs, query, headers, body }, context.state, undefined)
}

function pairOf(part: string): readonly [string, string] {
  const at = part.indexOf('=')
  const read = (text: string): string => decode(text.replaceAll('+', ' '))
  return at === -1 ? [read(part), ''] : [read(part.slice(0, at)), read(part.slice(at + 1))]
}
