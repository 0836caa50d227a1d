import type { CallContext, Repeat } from '../core/call.ts'
import { repeatUnder } from './conditions.ts'
import type { OpenUploads } from './open-uploads.ts'
import type { PartOptions } from './options.ts'

/** How objects are written in parts. */
export interface PartPlan {
  /** The uploads in progress of the same storage. */
  readonly uploads: OpenUploads
  /** Maximum size in bytes of an object that is sent with one request. */
  readonly threshold: number
  /** Bytes. */
  readonly partSize: number
  /** Number of parallel parts; memory is at most part size x (concurrency + 1). */
  readonly concurrency: number
  /** Whether the requests that make the object visible may be repeated: `if_not_applied` for a conditional write. */
  readonly repeat: { readonly put: Repeat; readonly finish: Repeat }
  /** Called when all parts are stored, before the object becomes visible. */
  readonly beforeFinish?: ((ctx: CallContext) => Promise<void>) | undefined
}

/** The plan for a storage's options, for requests with these condition headers. */
export function partPlan(
  uploads: OpenUploads,
  { multipartThreshold, partSize, uploadConcurrency }: PartOptions,
  conditions: Readonly<Record<'put' | 'finish', Readonly<Record<string, string>>>>,
  beforeFinish?: PartPlan['beforeFinish'],
): PartPlan {
  return {
    uploads,
    threshold: multipartThreshold,
    partSize,
    concurrency: uploadConcurrency,
    repeat: { put: repeatUnder(conditions.put), finish: repeatUnder(conditions.finish) },
    beforeFinish,
  }
}
