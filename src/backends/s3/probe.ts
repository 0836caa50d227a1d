import { nodeCrypto } from '../../core/builtin.ts'
import type { CallContext } from '../../core/call.ts'
import { detached } from '../../remote/aftermath.ts'
import type { S3Client } from './client.ts'
import { classifyS3 } from './errors.ts'

/** What a service does with conditions on PUT. */
export interface Conditions {
  /** `If-None-Match: *` refuses a taken key. */
  readonly create: boolean
  /** `If-Match` refuses another etag. */
  readonly match: boolean
  /** The service compares etags without quotes. */
  readonly bareEtags: boolean
}

/** Conditions of a service that keeps to RFC 9110. */
export const FULL_CONDITIONS: Conditions = { create: true, match: true, bareEtags: false }
/** Conditions of a service that has none. */
export const NO_CONDITIONS: Conditions = { create: false, match: false, bareEtags: false }

/**
 * Finds out with an object of its own, `.holdall-probe-*`, whether the service keeps conditions; the object is removed again.
 * Without the right to write nothing is claimed. Other failures are thrown, so that they are not remembered as an answer.
 */
export async function probeConditions(
  client: S3Client,
  prefix: string,
  headers: Readonly<Record<string, string>>,
  ctx: CallContext,
): Promise<Conditions> {
  const key = `${prefix}.holdall-probe-${nodeCrypto().randomUUID()}`
  const put = async (conditions: Record<string, string>): Promise<string | undefined> => {
    try {
      const request = { method: 'PUT', key, headers: { ...headers, ...conditions }, body: '' } as const
      const response = await client.call(request, ctx)
      return response.headers.etag ?? ''
    } catch (error) {
      const code = classifyS3(error)
      if (code === 'precondition_failed' || code === 'exists') return undefined
      throw error
    }
  }
  try {
    const etag = await put({ 'if-none-match': '*' })
    if (etag === undefined) return NO_CONDITIONS
    const create = (await put({ 'if-none-match': '*' })) === undefined
    const refuses = (await put({ 'if-match': '"00000000000000000000000000000000"' })) === undefined
    const bare = etag.replaceAll('"', '')
    const quoted = refuses && (await put({ 'if-match': `"${bare}"` })) !== undefined
    const bareEtags = refuses && !quoted && (await put({ 'if-match': bare })) !== undefined
    return { create, match: quoted || bareEtags, bareEtags }
  } catch (error) {
    const code = classifyS3(error)
    if (code === 'permission_denied' || code === 'unsupported' || code === 'invalid_argument') return NO_CONDITIONS
    throw error
  } finally {
    await detached(ctx)
      .step('delete', true, step => client.sendOnly({ method: 'DELETE', key }, step))
      .catch(() => undefined)
  }
}
