import { nodeCrypto } from '../../core/builtin.ts'
import type { CallContext } from '../../core/call.ts'
import { detached } from '../../remote/aftermath.ts'
import type { Trial } from '../../remote/conditions.ts'
import type { S3Client } from './client.ts'
import { classifyS3 } from './errors.ts'

/** Conditions are tried out on an object of our own, `.holdall-probe-*` below the prefix. */
export function trialOf(
  client: S3Client,
  prefix: string,
  headers: Readonly<Record<string, string>>,
  ctx: CallContext,
): Trial {
  const key = `${prefix}.holdall-probe-${nodeCrypto().randomUUID()}`
  return {
    async put(conditions) {
      try {
        const request = { method: 'PUT', key, headers: { ...headers, ...conditions }, body: '' } as const
        return (await client.done(request, ctx)).etag
      } catch (error) {
        const code = classifyS3(error)
        if (code === 'precondition_failed' || code === 'exists') return undefined
        throw error
      }
    },
    async remove() {
      await detached(ctx).step('delete', true, step => client.done({ method: 'DELETE', key }, step))
    },
    isRefusal(error) {
      const code = classifyS3(error)
      return code === 'permission_denied' || code === 'unsupported' || code === 'invalid_argument'
    },
  }
}
