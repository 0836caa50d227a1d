import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../../core/call.ts'
import { type Outcome, StorageError } from '../../core/errors.ts'
import { detached } from '../../remote/aftermath.ts'
import { etagOf } from '../../remote/headers.ts'
import { DELETED, OBJECT } from './api.ts'
import type { SwiftClient } from './client.ts'
import { classifySwift } from './errors.ts'

/** The MD5 of zero bytes. */
export const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e'

/** The error of bytes that differ from those that were sent. */
export function unlike(outcome: Outcome): StorageError {
  const text = 'The MD5 of what Swift stored is not that of what was sent.'
  return new StorageError('checksum_mismatch', text, { outcome })
}

/**
 * Compares the ETag of a stored object with the MD5 of the bytes that were sent. If they differ, the object itself is checked. A wrong
 * object is deleted, so that it does not look valid: `checksum_mismatch`.
 */
export async function settled(
  client: SwiftClient,
  place: { readonly container: string; readonly key: string },
  md5: string,
  answer: IncomingHttpHeaders,
  ctx: CallContext,
): Promise<void> {
  const told = etagOf(answer.etag)
  if (told === md5) return
  const stored = await ctx.step('verify', true, async step => {
    try {
      return etagOf((await client.done({ method: 'HEAD', place, expected: OBJECT }, step)).etag)
    } catch (error) {
      if (classifySwift(error) === 'not_found') return undefined
      throw error
    }
  })
  if (stored === md5) return
  // Another writer made any other object.
  if (stored !== told) throw unlike(stored === undefined ? 'not_applied' : 'unknown')
  await detached(ctx)
    .step('deleteBad', true, step => client.done({ method: 'DELETE', place, expected: DELETED }, step))
    .catch(error => {
      if (classifySwift(error) === 'not_found') return
      const text = `${unlike('unknown').message} It could not be deleted.`
      throw new StorageError('checksum_mismatch', text, { cause: error, outcome: 'applied' })
    })
  throw unlike('not_applied')
}
