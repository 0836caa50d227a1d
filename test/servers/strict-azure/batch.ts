/** Blob Batch: deletes and tiers in one request, each with its own authorization and its own answer. */
import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { Refusal, type StrictAnswer } from '../strict/answer.ts'
import { queryPairs } from '../strict/request.ts'
import { authenticateVersioned } from './access.ts'
import type { AzureAnswer, OperationContext } from './context.ts'
import { AzureError, errorAnswer, invalidHeader } from './errors.ts'
import { type AzureRequest, decode, placeOf } from './request.ts'

/** What the routes lend to a batch. */
export interface BatchRoutes {
  operation(request: AzureRequest): string
  run(operation: string, context: OperationContext): StrictAnswer
}

const MOST = 256

function invalid(message = 'One of the request inputs is not valid.'): AzureError {
  return new AzureError(400, 'InvalidInput', message)
}

/** POST ?comp=batch. */
export function blobBatch(context: OperationContext, routes: BatchRoutes): AzureAnswer {
  const { request } = context
  const type = request.headers['content-type'] ?? ''
  const boundary = /^multipart\/mixed;\s*boundary="?([^";]+)"?$/i.exec(type)?.[1]
  if (boundary === undefined) throw invalidHeader('Content-Type', type)
  const parts = partsOf(request.body.toString('utf8'), boundary)
  if (parts.length > MOST) {
    const message = `The batch operation exceeds the maximum number of ${MOST} subrequests.`
    throw new AzureError(400, 'ExceedsMaxBatchRequestCount', message)
  }
  const reply = `batchresponse_${randomUUID()}`
  const answers = parts.map(part => {
    const id = /^content-id:\s*(\S+)/im.exec(part.head)?.[1]
    const { status, headers = {}, body = '' } = answerOf(part.inner, context, routes)
    const requestId = randomUUID()
    const lines = Object.entries({
      ...headers,
      'x-ms-request-id': requestId,
      'x-ms-version': request.headers['x-ms-version'] ?? '',
    })
    const length = body.length === 0 ? [] : [['Content-Length', String(Buffer.byteLength(body))] as const]
    return [
      `--${reply}`,
      'Content-Type: application/http',
      ...(id === undefined ? [] : [`Content-ID: ${id}`]),
      '',
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      ...[...length, ...lines].map(([name, value]) => `${name}: ${value}`),
      '',
      String(body),
    ].join('\r\n')
  })
  const body = `${answers.join('\r\n')}\r\n--${reply}--\r\n`
  return { status: 202, headers: { 'content-type': `multipart/mixed; boundary=${reply}` }, body }
}

interface Part {
  readonly head: string
  readonly inner: string
}

/** The parts of the body, which begins with its boundary and ends with it. */
function partsOf(body: string, boundary: string): Part[] {
  const mark = `--${boundary}`
  if (!body.startsWith(`${mark}\r\n`)) throw invalid()
  const end = body.lastIndexOf(`\r\n${mark}--`)
  if (end === -1) throw invalid()
  const texts = body.slice(mark.length + 2, end).split(`\r\n${mark}\r\n`)
  return texts.map(text => {
    const cut = text.indexOf('\r\n\r\n')
    if (cut === -1) throw invalid()
    const head = text.slice(0, cut)
    if (!/^content-type:\s*application\/http\s*$/im.test(head)) throw invalid()
    if (!/^content-transfer-encoding:\s*binary\s*$/im.test(head)) throw invalid()
    return { head, inner: text.slice(cut + 4) }
  })
}

function answerOf(inner: string, context: OperationContext, routes: BatchRoutes): AzureAnswer {
  try {
    const request = requestOf(inner, context)
    const operation = routes.operation(request)
    if (operation !== 'DeleteBlob' && operation !== 'SetBlobTier')
      throw invalid('The operation is not one for batches.')
    const { container } = context.request
    if (container !== '' && request.container !== container) throw invalid('The subrequest is for another container.')
    const identity = authenticateVersioned(request, operation, context.state)
    return routes.run(operation, { state: context.state, request, identity })
  } catch (error) {
    if (error instanceof Refusal) return errorAnswer(error, context.request.requestId)
    throw error
  }
}

/** The request inside a part: its version is that of the whole, which it must not repeat. */
function requestOf(inner: string, { request, state }: OperationContext): AzureRequest {
  const [head = ''] = inner.split('\r\n\r\n')
  const [line = '', ...rest] = head.split('\r\n').filter(Boolean)
  const [, method = '', target = ''] = /^([A-Z]+) (\/\S*) HTTP\/1\.1$/.exec(line) ?? []
  if (method === '') throw invalid()
  const headers: Record<string, string> = {}
  const rawNames = new Map<string, string>()
  for (const one of rest) {
    const colon = one.indexOf(':')
    if (colon <= 0) throw invalid()
    headers[one.slice(0, colon).toLowerCase()] = one.slice(colon + 1).trim()
    rawNames.set(one.slice(0, colon).toLowerCase(), one.slice(0, colon))
  }
  if (headers['x-ms-version'] !== undefined) throw invalid('x-ms-version is for the whole batch.')
  const at = target.indexOf('?')
  const [rawPath, rawQuery] = at === -1 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)]
  const pairs = queryPairs(rawQuery, decode)
  const place = placeOf(rawPath, request.headers['host'] ?? '', state.domains)
  return {
    ...request,
    ...place,
    method,
    rawPath,
    rawQuery,
    pairs,
    query: Object.fromEntries(pairs),
    headers,
    rawNames,
    body: Buffer.alloc(0),
  }
}
