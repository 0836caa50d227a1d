/** The error answers of Amazon S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
import type { Refuse } from '../../faults/faults.ts'
import { Refusal } from '../strict/answer.ts'
import { document as anyDocument, element } from '../strict/xml.ts'

export { element }

/** An error answer: thrown by every operation, turned into XML by the server. */
export class S3Error extends Refusal {}

/** A whole S3 answer document. */
export function document(root: string, inner: string): string {
  return anyDocument(root, inner, 'http://s3.amazonaws.com/doc/2006-03-01/')
}

/** The error document. */
export function errorDocument(error: Refusal, resource: string, requestId: string, hostId: string): string {
  const details = Object.entries(error.details).map(([name, value]) => element(name, value))
  const parts = [element('Code', error.code), element('Message', error.message), ...details]
  if (!('Resource' in error.details)) parts.push(element('Resource', resource))
  parts.push(element('RequestId', requestId), element('HostId', hostId))
  return anyDocument('Error', parts.join(''))
}

/** 400 InvalidArgument. */
export function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error(400, 'InvalidArgument', message, { ArgumentName: name, ArgumentValue: value })
}

/** 400 InvalidRequest. */
export function invalidRequest(message: string): S3Error {
  return new S3Error(400, 'InvalidRequest', message)
}

/** 403 AccessDenied. */
export function accessDenied(message = 'Access Denied', details: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error(403, 'AccessDenied', message, details)
}

/** 501 NotImplemented. */
export function notImplemented(header: string): S3Error {
  return new S3Error(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented', {
    Header: header,
  })
}

/** 412 PreconditionFailed. */
export function preconditionFailed(condition: string): S3Error {
  const message = 'At least one of the pre-conditions you specified did not hold'
  return new S3Error(412, 'PreconditionFailed', message, { Condition: condition })
}

/** 503 SlowDown as Amazon S3 answers it, with its document, for servers and proxies alike. */
export function slowDown(retryAfterSecs?: number): Refuse {
  const body = errorDocument(new S3Error(503, 'SlowDown', 'Please reduce your request rate.'), '/', 'FAULT', 'fault')
  const retry: Record<string, string> = retryAfterSecs === undefined ? {} : { 'retry-after': String(retryAfterSecs) }
  return { do: 'refuse', status: 503, headers: { 'content-type': 'application/xml', ...retry }, body }
}
