import type { ErrorCode } from '../../core/errors.ts'
import type { HttpRequest, HttpResponse } from '../../http/request.ts'
import { classifyHttp, serviceCodeOf } from '../../remote/codes.ts'
import { conditionFailed, type WriteConditions } from '../../remote/conditions.ts'
import { dateOf, headerTextOf } from '../../remote/headers.ts'
import { type HttpErrorDetails, HttpStatusError } from '../../remote/http-error.ts'
import type { Hide } from '../../remote/redact.ts'
import { isSkewed, readRefusal, skewHint } from '../../remote/refusal.ts'

/** The details of a refused request (https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2). */
export interface AzureErrorDetails extends HttpErrorDetails {
  /** The service's clock. */
  readonly serverTime?: Date | undefined
}

/** An answer by which Azure refused a request. Its message contains the likely cause. */
export class AzureError extends HttpStatusError {
  readonly serverTime: Date | undefined

  static {
    AzureError.prototype.name = 'AzureError'
  }

  constructor(request: Pick<HttpRequest, 'method' | 'url'>, details: AzureErrorDetails) {
    super(request, details)
    this.serverTime = details.serverTime
    if (this.requestId !== undefined) this.message += ` (request ${this.requestId})`
  }
}

/** Makes an error from a refusal. A 404 that does not come from the service does not mean that a file is missing. */
export async function azureError(
  request: Pick<HttpRequest, 'method' | 'url'>,
  response: HttpResponse,
  { hide, seeksFile }: { readonly hide: Hide; readonly seeksFile: boolean },
): Promise<AzureError> {
  const { root, ...answer } = await readRefusal(request, response)
  const { status, headers } = answer
  const serviceCode = headerTextOf(headers['x-ms-error-code']) ?? root?.child('Code')?.text
  const serverTime = dateOf(headers.date)
  // Its name is not free yet, so nothing was done.
  const outcome = answer.outcome ?? (serviceCode === 'ContainerBeingDeleted' ? 'not_applied' : undefined)
  return new AzureError(request, {
    ...answer,
    outcome,
    hide,
    seeksFile: seeksFile && serviceCode !== undefined,
    serviceCode,
    // The lines after the first contain the id and the time of the request.
    serviceMessage: root?.child('Message')?.text.split('\n', 1)[0],
    serverTime,
    hint: hintFor(status, serviceCode, serverTime),
  })
}

/** Azure's error words for a signature, a token or a time that it refuses. */
const UNAUTHENTICATED: ReadonlySet<string | undefined> = new Set([
  'AuthenticationFailed',
  'InvalidAuthenticationInfo',
  'NoAuthenticationInformation',
])

/** Whether a request was refused because of its signature or token. */
export function isUnauthenticated(error: HttpStatusError): boolean {
  return error.status === 401 || (error.status === 403 && UNAUTHENTICATED.has(error.serviceCode))
}

const LEASED = 'Another client holds a lease on it: set the parameter leaseId to its id, or wait until the lease ends'
const DENIED =
  'The identity or the SAS lacks the permission: reading and writing need the role Storage Blob Data Contributor'

/** Advice for the tier Archive. */
export const ARCHIVED =
  'The tier Archive cannot be read or replaced: change the tier (setTier) and wait for hours, or delete the blob first'

const HINTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    AuthorizationFailure: 'The SAS lacks the permission, or the network rules of the account block this machine',
    AuthorizationPermissionMismatch: DENIED,
    AuthorizationProtocolMismatch: 'The SAS is for https only',
    AuthorizationResourceTypeMismatch: 'The SAS is for another kind of resource: it needs containers and objects',
    AuthorizationServiceMismatch: 'The SAS is not for blobs',
    AuthorizationSourceIPMismatch: 'The SAS is not for the address of this machine',
    BlobArchived: ARCHIVED,
    BlobBeingRehydrated: 'It is being moved from the tier Archive, which takes hours',
    BlobImmutableDueToPolicy: 'A policy or a legal hold of the container forbids changes',
    ContainerBeingDeleted: 'The container is being deleted, which takes at least 30 seconds',
    ContainerNotFound: 'AZURE_CONTAINER is not a container of this account',
    InvalidBlobOrBlock:
      'Blocks that another program left there have ids of another length; the service drops them after a week',
    KeyBasedAuthenticationNotPermitted: 'The account does not accept keys: set AZURE_TOKEN_CREDENTIAL',
    LeaseIdMissing: LEASED,
    LeaseIdMismatchWithBlobOperation: LEASED,
    LeaseLost: 'The lease of leaseId has expired',
    LeaseNotPresentWithBlobOperation: 'There is no lease with the id in the parameter leaseId',
    PublicAccessNotPermitted: 'The account permits no access without credentials',
    SnapshotsPresent: 'The blob has snapshots, which are not deleted by default: set AZURE_DELETE_SNAPSHOTS to true',
  }),
)

function hintFor(status: number, code: string | undefined, serverTime: Date | undefined): string | undefined {
  if (code !== undefined && UNAUTHENTICATED.has(code)) {
    if (isSkewed(serverTime)) return skewHint(serverTime)
    if (code === 'NoAuthenticationInformation' || status === 401)
      return 'The token or the signature is missing or has expired'
    return 'The key is not that of the account, the SAS or the token has expired, or a proxy changes the request'
  }
  return code === undefined ? undefined : HINTS.get(code)
}

/** Error codes by Azure's own error words, which are more precise than the status. */
const CODES: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries<ErrorCode>({
    AccountIsDisabled: 'permission_denied',
    AuthenticationFailed: 'permission_denied',
    BlobAlreadyExists: 'exists',
    BlobArchived: 'unsupported',
    BlobBeingRehydrated: 'unsupported',
    BlobImmutableDueToPolicy: 'permission_denied',
    BlobNotFound: 'not_found',
    BlockCountExceedsLimit: 'too_large',
    BlockListTooLong: 'too_large',
    ConditionNotMet: 'precondition_failed',
    ContainerAlreadyExists: 'exists',
    ContainerBeingDeleted: 'unavailable',
    ContainerDisabled: 'permission_denied',
    ContainerNotFound: 'improperly_configured',
    Crc64Mismatch: 'checksum_mismatch',
    DirectoryIsNotEmpty: 'is_directory',
    DirectoryNotEmpty: 'is_directory',
    FeatureVersionMismatch: 'unsupported',
    InternalError: 'unavailable',
    InvalidBlobType: 'unsupported',
    InvalidRange: 'invalid_range',
    InvalidResourceName: 'suspicious_name',
    InvalidUri: 'suspicious_name',
    KeyBasedAuthenticationNotPermitted: 'permission_denied',
    LeaseIdMismatchWithBlobOperation: 'permission_denied',
    LeaseIdMissing: 'permission_denied',
    LeaseLost: 'permission_denied',
    LeaseNotPresentWithBlobOperation: 'permission_denied',
    Md5Mismatch: 'checksum_mismatch',
    OperationTimedOut: 'timeout',
    PathConflict: 'is_directory',
    PendingCopyOperation: 'unavailable',
    PublicAccessNotPermitted: 'permission_denied',
    RequestBodyTooLarge: 'too_large',
    ResourceNotFound: 'not_found',
    ResourceTypeMismatch: 'is_directory',
    ServerBusy: 'throttled',
    SnapshotsPresent: 'unsupported',
    SourceConditionNotMet: 'precondition_failed',
    TargetConditionNotMet: 'precondition_failed',
  }),
)

/** The code of an answer of Azure, or of a `StorageError`; undefined for any other value. */
export function classifyAzure(error: unknown): ErrorCode | undefined {
  return classifyHttp(error, CODES)
}

/** Whether an error means that the service, or its protocol version, has no batches. */
export function isWithoutBatches(error: unknown): boolean {
  const word = serviceCodeOf(error)
  return (
    word === 'InvalidQueryParameterValue' || (classifyAzure(error) === 'unsupported' && word !== 'SnapshotsPresent')
  )
}

/** Returns `exists` for the refusal of `ifAbsent`, also if a lease shows that the name is taken; returns any other error unchanged. */
export function createFailed(error: unknown, options: WriteConditions): unknown {
  return conditionFailed(error, options, refusal => {
    const word = serviceCodeOf(refusal)
    if (word === 'SourceConditionNotMet') return undefined
    return word === 'LeaseIdMissing' ? 'precondition_failed' : classifyAzure(refusal)
  })
}
