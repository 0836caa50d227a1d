/** The error answers of Cloud Storage: JSON API, XML API, OAuth and IAM (https://cloud.google.com/storage/docs/json_api/v1/status-codes). */
import type { Refuse } from '../../faults/faults.ts'
import { Refusal, type StrictAnswer } from '../strict/answer.ts'
import { document, element } from '../strict/xml.ts'

/** An error answer; `code` is the JSON API's reason, and `details.xml` the XML API's code where it is not told by the reason. */
export class GcsError extends Refusal {}

/** In which form errors are told. */
export type ErrorStyle = 'json' | 'text' | 'xml' | 'oauth' | 'iam'

/** The XML API's code of a reason. */
const xmlCodes: Readonly<Record<string, string>> = {
  conditionNotMet: 'PreconditionFailed',
  notFound: 'NoSuchKey',
  forbidden: 'AccessDenied',
  required: 'AccessDenied',
  authError: 'AuthenticationRequired',
  insufficientPermissions: 'AccessDenied',
  conflict: 'BucketNameUnavailable',
  invalid: 'InvalidArgument',
  badRequest: 'InvalidArgument',
  invalidParameter: 'InvalidArgument',
  rateLimitExceeded: 'SlowDown',
  backendError: 'ServiceUnavailable',
  internalError: 'InternalError',
  requestedRangeNotSatisfiable: 'InvalidRange',
  methodNotAllowed: 'MethodNotAllowed',
  objectUnderActiveHold: 'ObjectUnderActiveHold',
  lengthRequired: 'MissingContentLength',
}

/** The status name of a Google API error by its HTTP status. */
const statusNames: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}

function jsonBody({ status, code, message, details }: Refusal): string {
  const { location, locationType, domain = 'global' } = details
  const where = location === undefined ? {} : { locationType, location }
  const error = { message, domain, reason: code, ...where }
  return JSON.stringify({ error: { code: status, message, errors: [error] } }, undefined, 2)
}

/** The error document of a refusal in one of the forms. */
export function errorAnswer(refusal: Refusal, style: ErrorStyle): StrictAnswer {
  const { status, code, message, details } = refusal
  const answer = (contentType: string, body: string): StrictAnswer => ({
    status,
    headers: { 'content-type': contentType, ...refusal.headers },
    body: status === 304 ? '' : body,
  })
  if (details['plain'] !== undefined) return answer('text/plain; charset=utf-8', details['plain'])
  if (style === 'xml') {
    const xml = details['xml'] ?? xmlCodes[code] ?? code
    const more = Object.entries(details).filter(([name]) => /^[A-Z]/.test(name))
    const inner = [
      element('Code', xml),
      element('Message', message),
      ...more.map(([name, text]) => element(name, text)),
    ]
    return answer('application/xml; charset=UTF-8', document('Error', inner.join('')))
  }
  if (style === 'text') return answer('text/html; charset=UTF-8', message)
  if (style === 'oauth') {
    return answer('application/json; charset=utf-8', JSON.stringify({ error: code, error_description: message }))
  }
  if (style === 'iam') {
    const error = { code: status, message, status: statusNames[status] ?? 'UNKNOWN' }
    return answer('application/json; charset=UTF-8', JSON.stringify({ error }))
  }
  return answer('application/json; charset=UTF-8', jsonBody(refusal))
}

/** 400 invalid, with the name of the parameter where it is one. */
export function invalid(message: string, parameter?: string): GcsError {
  const where: Record<string, string> =
    parameter === undefined ? {} : { location: parameter, locationType: 'parameter' }
  return new GcsError(400, 'invalid', message, where)
}

/** 400 required. */
export function missing(parameter: string): GcsError {
  const details = { location: parameter, locationType: 'parameter' }
  return new GcsError(400, 'required', `Required parameter: ${parameter}`, details)
}

/** 404 for an object. */
export function noSuchObject(bucket: string, name: string): GcsError {
  return new GcsError(404, 'notFound', `No such object: ${bucket}/${name}`, { xml: 'NoSuchKey' })
}

/** 404 for a bucket. */
export function noSuchBucket(): GcsError {
  return new GcsError(404, 'notFound', 'The specified bucket does not exist.', { xml: 'NoSuchBucket' })
}

/** 412, or 304 for a read whose `NotMatch` condition did not hold. */
export function conditionNotMet(status: 304 | 412, condition = 'If-Match'): GcsError {
  const message = 'At least one of the pre-conditions you specified did not hold.'
  const where = { location: condition, locationType: 'header' }
  return new GcsError(status, status === 304 ? 'notModified' : 'conditionNotMet', message, where)
}

/** 401 for a request without a token, or with one that is not good. */
export function unauthorized(message = 'Invalid Credentials', code = 'authError'): GcsError {
  const headers = { 'www-authenticate': 'Bearer realm="https://accounts.google.com/"' }
  return new GcsError(401, code, message, { location: 'Authorization', locationType: 'header' }, headers)
}

/** 429 for an object that is changed too often. */
export function tooManyChanges(bucket: string, name: string): GcsError {
  const message =
    `The object ${bucket}/${name} exceeded the rate limit for object mutation operations (create, update, and delete). ` +
    'Please reduce your request rate. See https://cloud.google.com/storage/docs/gcs429.'
  return new GcsError(429, 'rateLimitExceeded', message, { domain: 'usageLimits' })
}

/** A fault: 429 rateLimitExceeded in the service's own document. */
export function rateLimited(): Refuse {
  return { do: 'refuse', status: 429, code: 'rateLimitExceeded' }
}

/** A fault: 503 backendError in the service's own document. */
export function backendError(): Refuse {
  return { do: 'refuse', status: 503, code: 'backendError' }
}

/** A fault: a 5xx as Google's front end writes it, in HTML. */
export function htmlError(status: 500 | 502 | 503 | 504 = 502): Refuse {
  const body =
    '<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n' +
    `<title>Error ${status} (Server Error)!!1</title>\n<p><b>${status}.</b> That's an error.\n`
  return { do: 'refuse', status, code: 'backendError', headers: { 'content-type': 'text/html; charset=UTF-8' }, body }
}

/** As `rateLimited`, with its whole document, for servers and proxies alike. */
export function rateLimitedAnswer(): Refuse {
  const { status, headers = {}, body = '' } = errorAnswer(tooManyChanges('media', 'key'), 'json')
  return { do: 'refuse', status, code: 'rateLimitExceeded', headers, body: String(body) }
}
