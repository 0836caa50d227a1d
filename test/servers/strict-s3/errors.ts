/** The error answers of Amazon S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */

/** An error answer: thrown by every operation, turned into XML by the server. */
export class S3Error extends Error {
  readonly status: number
  readonly code: string
  /** More elements of the error document. */
  readonly details: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    details: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.details = details
    this.headers = headers
  }
}

/** Escapes text for XML as S3 does: control characters become numeric references, which XML 1.0 parsers refuse. */
export function xmlText(value: string): string {
  return value.replace(/[&<>"\u0000-\u001f]/g, found => {
    if (found === '&') return '&amp;'
    if (found === '<') return '&lt;'
    if (found === '>') return '&gt;'
    if (found === '"') return '&quot;'
    return `&#x${found.charCodeAt(0).toString(16)};`
  })
}

/** One XML element with text. */
export function element(name: string, value: string | number | boolean): string {
  return `<${name}>${xmlText(String(value))}</${name}>`
}

/** A whole S3 answer document. */
export function document(root: string, inner: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${root}>`
}

/** The error document. */
export function errorDocument(error: S3Error, resource: string, requestId: string, hostId: string): string {
  const details = Object.entries(error.details).map(([name, value]) => element(name, value))
  const parts = [element('Code', error.code), element('Message', error.message), ...details]
  if (!('Resource' in error.details)) parts.push(element('Resource', resource))
  parts.push(element('RequestId', requestId), element('HostId', hostId))
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${parts.join('')}</Error>`
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
