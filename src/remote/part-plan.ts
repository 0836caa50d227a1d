import type { CallContext, Repeat } from '../core/call.ts'
import { repeatUnder } from './conditions.ts'
import type { OpenUploads } from './open-uploads.ts'
import type { PartOptions } from './options.ts'

/** How objects are written in parts. */
export interface PartPlan {
  /** The uploads under way of the same storage. */
  readonly uploads: OpenUploads
  /** Bytes of the largest object that is sent by one request. */
  readonly threshold: number
  /** Bytes. */
  readonly partSize: number
  /** Parts under way at once; memory is at most part size x (concurrency + 1). */
  readonly concurrency: number
  /** Whether the requests that make the object visible may be repeated: `if_not_applied` under a condition. */
  readonly repeat: { readonly put: Repeat; readonly finish: Repeat }
  /** Called when all parts are there, before the object becomes visible. */
  readonly beforeFinish?: ((ctx: CallContext) => Promise<void>) | undefined
}

/** The plan of a storage's options, for requests that carry these headers of conditions. */
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
