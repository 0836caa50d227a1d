/** Management of collections. */
import { jsonAnswer } from '../strict/answer.ts'
import { readAccessControl } from './access-control.ts'
import type { NimbusContext, StrictAnswer } from './context.ts'
import { NimbusError } from './errors.ts'
import { NimbusCollection } from './store.ts'
import { httpTime } from './times.ts'

function described(collection: NimbusCollection): Record<string, unknown> {
  return {
    name: collection.name,
    default_collection: collection.name === `dd-${collection.owner}`,
    versioning: collection.versioning,
    access_control: collection.accessControl ?? null,
    'creation-time': httpTime(collection.createdAt),
  }
}

/** GET of all collections of a user. */
export function listCollections({ state, request }: NimbusContext): StrictAnswer {
  const all = [...state.store.collections.values()].filter(one => one.owner === request.username)
  if (!state.options.oldCollections) return jsonAnswer(all.map(described))
  return jsonAnswer(all.map(one => [one.name, one.versioning, httpTime(one.createdAt)]))
}

/** Whether a name may be one of a new collection. */
function isValid(name: string): boolean {
  const hasForm = /^[a-z0-9][a-z0-9-]*[a-z0-9]$/.test(name) && name.length <= 63 && !name.includes('--')
  return hasForm && !/^(?:dd|rr)-/.test(name)
}

/** POST of a new collection; 409 for a name that is taken as for one that is not valid. */
export function createCollection({ state, request }: NimbusContext): StrictAnswer {
  const { collection: name, username, body } = request
  const control = body.length > 0 ? readAccessControl(body) : undefined
  if (body.length > 0 && request.headers['content-type'] !== 'application/json') {
    throw new NimbusError(400, 'Access control is JSON.', { success: false, error_list: ['not application/json'] })
  }
  if (!isValid(name) || state.store.collections.has(name)) {
    throw new NimbusError(409, 'Invalid Name', { name, 'error-messages': ['Invalid Name'] })
  }
  const given = { name, owner: username, createdAt: state.now(), versioning: false, accessControl: control }
  const made = state.store.add(new NimbusCollection(given))
  const told = { name, versioning: false, 'creation-time': httpTime(made.createdAt) }
  return jsonAnswer(told, { status: state.options.oldCreateStatus ? 200 : 201 })
}

function owned({ state, request }: NimbusContext): NimbusCollection | undefined {
  const found = state.store.collections.get(request.collection)
  return found?.owner === request.username ? found : undefined
}

const MISSING = { success: false, error_message: 'No such collection' }

function needOwned(context: NimbusContext, status: number): NimbusCollection {
  const found = owned(context)
  if (found === undefined) throw new NimbusError(status, 'No such collection', MISSING)
  return found
}

/** GET of one collection. */
export function getCollection(context: NimbusContext): StrictAnswer {
  return jsonAnswer({ success: true, ...described(needOwned(context, 404)) })
}

/** GET of what is used. */
export function spaceUsage(context: NimbusContext): StrictAnswer {
  const collection = needOwned(context, 404)
  const all = [...collection.keys.values()].flatMap(({ versions }) => versions)
  const days = Number(context.request.query['days_of_history'] ?? 1)
  const day = (ago: number): string => new Date(context.state.now() - ago * 86_400_000).toISOString().slice(0, 10)
  const stats = Array.from({ length: days }, (_each, ago) => ({
    day: day(ago),
    retrieve_success: 0,
    archive_success: ago === 0 ? all.length : 0,
    success_bytes_in: ago === 0 ? all.reduce((sum, one) => sum + one.body.length, 0) : 0,
  }))
  return jsonAnswer({ success: true, operational_stats: stats })
}

/** PUT of an attribute has a length. */
function needLength({ request }: NimbusContext): void {
  if (request.headers['content-length'] === undefined) throw new NimbusError(411, 'Content-Length is needed.')
}

/** PUT ?versioning. */
export function setVersioning(context: NimbusContext): StrictAnswer {
  needLength(context)
  needOwned(context, 403).versioning = context.request.query['versioning'] === 'True'
  return jsonAnswer({ success: true })
}

/** PUT ?access_control=update. */
export function setAccessControl(context: NimbusContext): StrictAnswer {
  needLength(context)
  needOwned(context, 403).accessControl = readAccessControl(context.request.body)
  return jsonAnswer({ success: true })
}

/** PUT of anything else. */
export function unknownAttribute(): StrictAnswer {
  throw new NimbusError(405, 'The attribute is not known.')
}

/** DELETE; 405 for the default collection, 403 for one that is not empty. */
export function deleteCollection(context: NimbusContext): StrictAnswer {
  const { state } = context
  const collection = needOwned(context, 404)
  if (collection.name === `dd-${collection.owner}`) throw new NimbusError(405, 'This is the default collection.')
  const isFull = [...collection.keys.values()].some(({ isDeleted }) => !isDeleted)
  if (isFull && !state.options.deletesFull) throw new NimbusError(403, 'The collection is not empty.')
  state.store.collections.delete(collection.name)
  return jsonAnswer({ success: true })
}
