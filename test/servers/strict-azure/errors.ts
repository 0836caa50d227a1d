/** The error answers of Azure Blob Storage (https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes). */
import type { Refuse } from '../../faults/faults.ts'
import { Refusal, type StrictAnswer } from '../strict/answer.ts'
import { document, element } from '../strict/xml.ts'

type Details = Readonly<Record<string, string>>

/** An error answer: thrown by every operation, turned into XML by the server. */
export class AzureError extends Refusal {}

/** The answer of a refusal: its code is in a header too, which is all that HEAD tells. */
export function errorAnswer(refusal: Refusal, requestId: string): StrictAnswer {
  const common = { 'x-ms-error-code': refusal.code, ...refusal.headers }
  if (refusal.status === 304) return { status: 304, headers: common }
  const details = Object.entries(refusal.details).map(([name, value]) => element(name, value))
  const message = `${refusal.message}\nRequestId:${requestId}\nTime:${new Date().toISOString()}`
  const body = document('Error', [element('Code', refusal.code), element('Message', message), ...details].join(''))
  return { status: refusal.status, headers: { 'content-type': 'application/xml', ...common }, body }
}

/** 400 with the header that is wrong. */
export function invalidHeader(name: string, value = '', code = 'InvalidHeaderValue'): AzureError {
  const message = 'The value for one of the HTTP headers is not in the correct format.'
  return new AzureError(400, code, message, { HeaderName: name, HeaderValue: value })
}

/** 400 MissingRequiredHeader. */
export function missingHeader(name: string): AzureError {
  const message = 'An HTTP header that is mandatory for this request is not specified.'
  return new AzureError(400, 'MissingRequiredHeader', message, { HeaderName: name })
}

/** 400 about a query parameter. */
export function invalidQuery(name: string, value = '', code = 'InvalidQueryParameterValue'): AzureError {
  const message = 'Value for one of the query parameters specified in the request URI is invalid.'
  return new AzureError(400, code, message, { QueryParameterName: name, QueryParameterValue: value })
}

/** 400 InvalidXmlDocument. */
export function invalidXml(): AzureError {
  return new AzureError(400, 'InvalidXmlDocument', 'XML specified is not syntactically valid.')
}

/** 403 AuthenticationFailed; the detail says why. */
export function notAuthenticated(detail: string): AzureError {
  const message =
    'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.'
  return new AzureError(403, 'AuthenticationFailed', message, { AuthenticationErrorDetail: detail })
}

/** 403 with the code of what is not allowed. */
export function notAuthorized(code = 'AuthorizationPermissionMismatch'): AzureError {
  return new AzureError(403, code, 'This request is not authorized to perform this operation using this permission.')
}

/** 401 that asks for a token. */
export function tokenWanted(code = 'NoAuthenticationInformation', hint = ''): AzureError {
  const challenge = `Bearer authorization_uri=https://login.microsoftonline.com/tenant/oauth2/authorize resource_id=https://storage.azure.com${hint}`
  const message =
    'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.'
  return new AzureError(401, code, message, {}, { 'www-authenticate': challenge })
}

/** 404 BlobNotFound. */
export function blobNotFound(): AzureError {
  return new AzureError(404, 'BlobNotFound', 'The specified blob does not exist.')
}

/** 404 ContainerNotFound. */
export function containerNotFound(): AzureError {
  return new AzureError(404, 'ContainerNotFound', 'The specified container does not exist.')
}

/** 412 ConditionNotMet, or 304 for a read that need not be answered. */
export function conditionNotMet(status: 304 | 412 = 412): AzureError {
  return new AzureError(
    status,
    'ConditionNotMet',
    'The condition specified using HTTP conditional header(s) is not met.',
  )
}

/** 409 BlobAlreadyExists. */
export function blobAlreadyExists(): AzureError {
  return new AzureError(409, 'BlobAlreadyExists', 'The specified blob already exists.')
}

/** 409 BlobArchived. */
export function blobArchived(): AzureError {
  return new AzureError(409, 'BlobArchived', 'This operation is not permitted on an archived blob.')
}

/** 503 ServerBusy as the service answers it, with its document, for servers and proxies alike. */
export function serverBusy(headers: Details = {}): Refuse {
  const message = 'The server is currently unable to receive requests. Please retry your request.'
  const answer = errorAnswer(new AzureError(503, 'ServerBusy', message), 'FAULT')
  return {
    do: 'refuse',
    status: 503,
    code: 'ServerBusy',
    headers: { ...answer.headers, ...headers },
    body: String(answer.body),
  }
}
