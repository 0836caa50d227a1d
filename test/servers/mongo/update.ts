import { ObjectId } from 'bson'
import { updateOne } from 'mingo'
import { MongoRefusal } from './errors.ts'
import { clone, type Document, keyOf } from './types.ts'

/** An entry of `updates`, or the like of `findAndModify`. */
export interface UpdateSpec {
  readonly q: Document
  readonly u: Document | readonly Document[]
  readonly arrayFilters?: readonly Document[] | undefined
}

/** A copy of the document as the update makes it. Unknown operators, mixtures and another `_id` are refused. */
export function updated(document: Document, spec: UpdateSpec, isInsert = false): Document {
  const { u, q } = spec
  const made = isReplacement(u) ? replaced(document, u) : operated(document, spec, isInsert)
  if (document['_id'] !== undefined && keyOf(made['_id']) !== keyOf(document['_id'])) {
    throw immutable(q)
  }
  return made
}

function immutable(filter: Document): MongoRefusal {
  const message = `Performing an update on the path '_id' would modify the immutable field '_id' (${JSON.stringify(filter)})`
  return new MongoRefusal('ImmutableField', message)
}

/** The document that an upsert inserts. */
export function upserted(spec: UpdateSpec): Document {
  const seed: Document = {}
  sow(seed, spec.q)
  const made = updated(seed, spec, true)
  const { _id = new ObjectId(), ...rest } = made
  return { _id, ...rest }
}

/** Whether an update is a whole document. */
export function isReplacement(update: UpdateSpec['u']): update is Document {
  if (Array.isArray(update)) return false
  const keys = Object.keys(update)
  const operators = keys.filter(key => key.startsWith('$'))
  if (operators.length > 0 && operators.length < keys.length) {
    throw new MongoRefusal('FailedToParse', `Unknown modifier: ${keys.find(key => !key.startsWith('$'))}`)
  }
  return operators.length === 0
}

function replaced(document: Document, replacement: Document): Document {
  const { _id = document['_id'], ...rest } = clone(replacement)
  return _id === undefined ? rest : { _id, ...rest }
}

function operated(document: Document, { q, u, arrayFilters }: UpdateSpec, isInsert: boolean): Document {
  const made = [clone(document)]
  const modifier = Array.isArray(u) ? u : operatorsOf(document, u as Document, isInsert)
  const { _id, ...$set } = ((modifier as Document)['$set'] as Document | undefined) ?? {}
  if (_id !== undefined) {
    // The `_id` is no business of mingo.
    made[0] = { _id, ...made[0] }
    if (keyOf(made[0]['_id']) !== keyOf(_id)) throw immutable(q)
    Object.assign(modifier, { $set })
    if (Object.keys($set).length === 0) delete (modifier as Document)['$set']
  }
  if (Object.keys(modifier).length === 0) return made[0]!
  const config = { cloneMode: 'deep', ...(arrayFilters && { arrayFilters: [...arrayFilters] }) } as const
  updateOne(made, isInsert ? {} : q, modifier as Parameters<typeof updateOne>[2], config)
  return made[0]!
}

function operatorsOf(document: Document, update: Document, isInsert: boolean): Document {
  const { $setOnInsert, ...operators } = update
  for (const name of ['$inc', '$mul']) {
    for (const path of Object.keys((operators[name] as Document | undefined) ?? {})) {
      const value = document[path]
      if (path.includes('.') || value === undefined || typeof value === 'number') continue
      throw new MongoRefusal('TypeMismatch', `Cannot apply ${name} to a value of non-numeric type: '${path}'`)
    }
  }
  for (const [name, operand] of Object.entries(operators)) {
    if (typeof operand !== 'object' || operand === null) {
      throw new MongoRefusal(
        'FailedToParse',
        `Modifiers operate on fields but we found type ${typeof operand} for ${name}`,
      )
    }
    if (Object.keys(operand).length === 0) delete operators[name]
  }
  const $set = {
    ...(operators['$set'] as Document | undefined),
    ...(isInsert && ($setOnInsert as Document | undefined)),
  }
  return Object.keys($set).length === 0 ? operators : { ...operators, $set }
}

/** Equalities of the filter become fields of the new document. */
function sow(seed: Document, filter: Document): void {
  for (const [key, value] of Object.entries(filter)) {
    if (key === '$and') for (const part of value as Document[]) sow(seed, part)
    if (key.startsWith('$') || value instanceof RegExp) continue
    const isOperators = typeof value === 'object' && value !== null && Object.keys(value)[0]?.startsWith('$')
    if (isOperators && !('$eq' in value)) continue
    const equal = isOperators ? (value as Document)['$eq'] : value
    if (key === '_id') seed['_id'] = equal
    else updateOne([seed], {}, { $set: { [key]: equal } })
  }
}
