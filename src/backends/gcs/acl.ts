import type { CallContext } from '../../core/call.ts'
import type { Visibility } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { Expected } from '../../remote/answers.ts'
import { resourcePath } from './api.ts'
import type { GcsClient } from './client.ts'
import { classifyGcs, gcsErrorOf } from './errors.ts'

const LIST: Expected = { statuses: [200] }
const ENTRY: Expected = { statuses: [200], fields: ['entity'] }
const GONE: Expected = { statuses: [204, 200] }
const EVERYBODY = 'allUsers'

/** objectAccessControls: list. (https://cloud.google.com/storage/docs/json_api/v1/objectAccessControls) */
export async function visibilityOf(client: GcsClient, key: string, ctx: CallContext): Promise<Visibility> {
  const path = `${resourcePath(client.bucketName, key)}/acl`
  const request = { method: 'GET', path, expected: LIST, seeksFile: true } as const
  const { value } = await client.json(request, ctx).catch(refused)
  const { items = [] } = value as { readonly items?: unknown }
  if (!Array.isArray(items)) {
    throw new StorageError('unavailable', 'The answer has no list of access controls.', { outcome: 'not_applied' })
  }
  const isPublic = items.some(item => {
    const { entity, role } = (item ?? {}) as { readonly entity?: unknown; readonly role?: unknown }
    return entity === EVERYBODY && (role === 'READER' || role === 'OWNER')
  })
  return isPublic ? 'public' : 'private'
}

/** objectAccessControls: insert or delete of the entry for all users. Other entries do not change. */
export async function setVisibility(
  client: GcsClient,
  key: string,
  visibility: Visibility,
  ctx: CallContext,
): Promise<void> {
  const path = `${resourcePath(client.bucketName, key)}/acl`
  if (visibility === 'public') {
    const headers = { 'content-type': 'application/json; charset=UTF-8' }
    const body = Buffer.from(JSON.stringify({ entity: EVERYBODY, role: 'READER' }))
    const request = { method: 'POST', path, headers, body, expected: ENTRY, seeksFile: true } as const
    await client.json(request, ctx).catch(refused)
    return
  }
  // The answer to the deletion is the same for a missing entry and a missing file.
  if ((await visibilityOf(client, key, ctx)) === 'private') return
  const request = { method: 'DELETE', path: `${path}/${EVERYBODY}`, expected: GONE, seeksFile: true } as const
  await client.done(request, ctx).catch(error => {
    if (classifyGcs(error) !== 'not_found') refused(error)
  })
}

function refused(error: unknown): never {
  const native = gcsErrorOf(error)
  if (native === undefined || !/uniform bucket-?level access/i.test(native.message)) throw error
  const text = 'The bucket has uniform bucket-level access, so its files have no access rules of their own: use IAM.'
  throw new StorageError('unsupported', text, { cause: error, status: native.status })
}
