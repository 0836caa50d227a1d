import { release } from '../core/abort.ts'
import type { CallContext } from '../core/call.ts'
import type { Driver, RequestOptions, Stat } from '../core/driver.ts'
import { ResumedBody } from '../files/resume.ts'
import { expectedIn } from '../storage/kept-digest.ts'
import { sizedStat } from './headers.ts'

/** Maximum size in bytes of a file that is held in memory for a copy. */
const MAX_HELD = 8 * 1024 * 1024

/** The headers of the answer to a GET, with the bytes of a small file. The body of a larger file is not read. */
export async function smallFile(
  driver: Pick<Driver, 'read' | 'classify'>,
  key: string,
  request: RequestOptions,
  limit: number,
  ctx: CallContext,
): Promise<{ readonly stat: Stat; readonly bytes: Buffer | undefined }> {
  const result = await driver.read(key, request, ctx)
  const { body, stat: found = {} } = result
  const stat = sizedStat({ ...found, size: found.size })
  if (stat.size > Math.min(limit, MAX_HELD)) {
    release({ body })
    return { stat, bytes: undefined }
  }
  const whole = new ResumedBody(body, {
    length: stat.size,
    expected: expectedIn(result),
    signal: ctx.signal,
    details: { operation: 'copy', fileName: key },
    classify: error => driver.classify(error),
  })
  return { stat, bytes: await whole.bytes() }
}
