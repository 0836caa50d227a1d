/** The error answers of Swift and of the identity services. */
import type { Refuse } from '../../faults/faults.ts'
import { Refusal, type StrictAnswer } from '../strict/answer.ts'

/** An error answer; its message is the body of a storage error, or the message of an identity error. */
export class SwiftError extends Refusal {}

/** The code of requests that no real server would take, or would take and do something else with. */
export const COMPLAINT = 'Complaint'

/** How errors are written. */
export type ErrorStyle = 'html' | 'keystone' | 'rackspace'

/** Titles by status. */
export const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  416: 'Requested Range Not Satisfiable',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  498: 'Rate Limited',
  500: 'Internal Error',
  503: 'Service Unavailable',
}

/** A status with its title, as bulk answers have it. */
export function statusLine(status: number): string {
  return `${status} ${REASONS[status] ?? 'Unknown'}`
}

/** An error of the storage; without a message it gets the usual page. */
export function failed(status: number, message = '', headers: Readonly<Record<string, string>> = {}): SwiftError {
  return new SwiftError(status, REASONS[status] ?? 'Unknown', message, {}, headers)
}

/** A request that the client should never send; the server keeps a list of them. */
export function complaint(message: string): SwiftError {
  return new SwiftError(400, COMPLAINT, message)
}

/** 401 of the storage. */
export function unauthorized(account: string): SwiftError {
  const headers = { 'www-authenticate': `Swift realm="${account === '' ? 'unknown' : account}"` }
  return failed(401, '', headers)
}

/** The answer of a refusal. */
export function errorAnswer(refusal: Refusal, style: ErrorStyle): StrictAnswer {
  const { status, message, headers } = refusal
  const title = REASONS[status] ?? refusal.code
  if (style === 'keystone') {
    const body = JSON.stringify({ error: { code: status, message, title } })
    return { status, headers: { 'content-type': 'application/json', ...headers }, body }
  }
  if (style === 'rackspace') {
    const name = status === 401 ? 'unauthorized' : 'badRequest'
    const body = JSON.stringify({ [name]: { code: status, message } })
    return { status, headers: { 'content-type': 'application/json', ...headers }, body }
  }
  const body = message === '' ? `<html><h1>${title}</h1><p>Test server.</p></html>` : message
  const all = { 'content-type': 'text/html; charset=UTF-8', ...headers }
  return { status, headers: all, body: status === 304 ? '' : body }
}

/** A fault: Swift's answer to a client that asks too often. */
export function rateLimited(status: 429 | 498 = 498, retryAfterSecs?: number): Refuse {
  const headers: Record<string, string> = { 'content-type': 'text/html; charset=UTF-8' }
  if (retryAfterSecs !== undefined) headers['retry-after'] = String(retryAfterSecs)
  return { do: 'refuse', status, code: REASONS[status] ?? '', headers, body: 'Slow down' }
}

/** A fault: 503 as the proxy server writes it. */
export function unavailable(): Refuse {
  const body = '<html><h1>Service Unavailable</h1><p>The server is currently unavailable.</p></html>'
  const headers = { 'content-type': 'text/html; charset=UTF-8' }
  return { do: 'refuse', status: 503, code: 'Service Unavailable', headers, body }
}
