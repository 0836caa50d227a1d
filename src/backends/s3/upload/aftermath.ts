import type { CallContext } from '../../../core/call.ts'
import { StorageError } from '../../../core/errors.ts'
import { S3Error } from '../errors.ts'

/** Seconds after which putting things in order is given up. */
const LIMIT_SECS = 30

/** A context that outlives its call, for what has to be put in order after one that failed or was aborted; its steps are retried. */
export function detached(ctx: CallContext): CallContext {
  return { ...ctx, signal: AbortSignal.timeout(LIMIT_SECS * 1000), attempt: 1, progress() {} }
}

/** Whether a request failed because its upload is not there: it was completed, aborted, or has expired. */
export function isUploadGone(error: unknown): boolean {
  const native = error instanceof StorageError ? error.cause : error
  if (!(native instanceof S3Error)) return false
  const { status, serviceCode } = native
  return serviceCode === 'NoSuchUpload' || (status === 404 && serviceCode === undefined)
}
