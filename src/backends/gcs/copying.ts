import { ATTRIBUTES, givenAttributes } from '../../core/attributes.ts'
import type { CallContext } from '../../core/call.ts'
import type { ObjectParameters, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { conditionFailed } from '../../remote/conditions.ts'
import { countOf } from '../../remote/headers.ts'
import { encodeComponent } from '../../remote/sign/encode.ts'
import { known, resourcePath } from './api.ts'
import type { GcsClient } from './client.ts'
import { classifyGcs, gcsErrorOf } from './errors.ts'
import type { JsonApi } from './json-api.ts'
import { onlyOnce, verified } from './parts.ts'
import { attributeFields, fieldsOf, type GcsStat, statOfResource } from './resource.ts'

/** One copy within the bucket. */
export interface Copy {
  readonly from: string
  readonly to: string
  readonly options: WriteOptions
  /** Parameters of every upload under the target's key. */
  readonly parameters: ObjectParameters
  /** The generation that the target must have: `0` for none, undefined for any. */
  readonly ifGeneration: string | undefined
}

/**
 * Copies with Objects: rewrite, in as many calls as the service needs for a large file. Attributes that are not set come from the source.
 * Every call names the same version of the source: if it changes meanwhile, the code is `precondition_failed`.
 * (https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite)
 */
export async function rewriteObject(client: GcsClient, api: JsonApi, copy: Copy, ctx: CallContext): Promise<GcsStat> {
  const { from, to, options, parameters, ifGeneration } = copy
  const found = await api.resource(from, {}, ctx)
  const source = known(statOfResource(found))
  const { acl, kmsKeyName, resource } = fieldsOf(parameters, { extra: options.extra })
  const changes = {
    ...picked(resource, OF_TARGET),
    ...attributeFields(givenAttributes(options)),
    ...fieldsOf({}, { extra: options.extra }).resource,
  }
  // A body replaces all fields of the source, so the fields to keep are also sent, in the form of the service.
  const fields = Object.keys(changes).length > 0 ? { ...picked(found, OF_SOURCE), ...changes } : undefined
  const query: Array<[string, string]> = [
    ['sourceGeneration', source.etag!],
    ['ifSourceGenerationMatch', source.etag!],
  ]
  if (acl !== undefined) query.push(['destinationPredefinedAcl', acl])
  if (kmsKeyName !== undefined) query.push(['destinationKmsKeyName', kmsKeyName])
  if (ifGeneration !== undefined) query.push(['ifGenerationMatch', ifGeneration])
  const { bucketName } = client
  const target = `b/${encodeComponent(bucketName)}/o/${encodeComponent(to)}`
  const body = fields === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(fields))
  const headers = fields === undefined ? {} : { 'content-type': 'application/json; charset=UTF-8' }
  const request = {
    method: 'POST',
    path: `${resourcePath(bucketName, from)}/rewriteTo/${target}`,
    headers,
    body,
    expected: { statuses: [200], fields: ['done'] },
    seeksFile: true,
    conditional: ifGeneration !== undefined,
  } as const
  const { size, crc32c } = source
  const repeat = ifGeneration === undefined || 'if_not_applied'
  const rewrite = async (ctx: CallContext): Promise<GcsStat> => {
    let token: string | undefined
    for (let before = -1; ; ) {
      const all = token === undefined ? query : [...query, ['rewriteToken', token] as const]
      const { value } = await ctx.step('rewrite', repeat, step => client.json({ ...request, query: all }, step))
      const answer = rewriteAnswer(value)
      if (answer.stat !== undefined) return verified(answer.stat, { size, crc32c })
      if (answer.rewritten <= before || answer.rewritten > size) throw stuck()
      before = answer.rewritten
      token = answer.token
      ctx.progress()
    }
  }
  try {
    return await onlyOnce(api, { key: to, ifGeneration }, { size, crc32c }, rewrite, ctx)
  } catch (error) {
    if (!(await isOfSource(error, api, from, source, ifGeneration !== undefined, ctx))) {
      throw conditionFailed(error, options, classifyGcs)
    }
    const text = `'${from}' was changed while it was copied.`
    throw new StorageError('precondition_failed', text, { cause: error, status: 412 })
  }
}

/** Whether a copy was refused because of its source. Under a condition on the target, the source's generation decides. */
async function isOfSource(
  error: unknown,
  api: JsonApi,
  from: string,
  { etag }: GcsStat,
  isConditional: boolean,
  ctx: CallContext,
): Promise<boolean> {
  const { status } = (error ?? {}) as { readonly status?: unknown }
  if ((status !== 412 && status !== 404) || gcsErrorOf(error)?.lacksBucket === true) return false
  if (!isConditional) return true
  const now = await api.stat(from, {}, ctx).catch(() => undefined)
  return now?.etag !== etag
}

function stuck(): StorageError {
  return new StorageError('unavailable', 'The copy makes no progress.', { outcome: 'unknown', retryable: false })
}

interface RewriteAnswer {
  readonly stat: GcsStat | undefined
  readonly rewritten: number
  readonly token: string
}

function rewriteAnswer({ done, resource, rewriteToken, totalBytesRewritten }: Record<string, unknown>): RewriteAnswer {
  if (done === true && typeof resource === 'object' && resource !== null) {
    const stat = statOfResource(resource as Record<string, unknown>)
    if (stat.etag !== undefined && !Number.isNaN(stat.size)) return { stat, rewritten: stat.size, token: '' }
  } else if (done === false && typeof rewriteToken === 'string' && rewriteToken !== '') {
    return { stat: undefined, rewritten: countOf(String(totalBytesRewritten)) ?? 0, token: rewriteToken }
  }
  throw new StorageError('unavailable', 'The answer to a copy cannot be read.', { outcome: 'unknown' })
}

/** The fields that a copy takes from its source if they are not set. */
const OF_SOURCE: readonly string[] = [...ATTRIBUTES, 'customTime']
/** The storage's own parameters that a copy also gets. */
const OF_TARGET: readonly string[] = ['storageClass', 'eventBasedHold', 'temporaryHold']

function picked(fields: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter(name => fields[name] !== undefined).map(name => [name, fields[name]]))
}
