import { ObjectId } from 'bson'
import { type Call, type CommandSpec, checkFields, documentOf, listOf, namespaceOf } from './context.ts'
import { MongoRefusal, refusalOf } from './errors.ts'
import { select } from './reads.ts'
import { duplicate, type Plan } from './store.ts'
import type { Change, Documents } from './transaction.ts'
import { type Document, keyOf } from './types.ts'
import { isReplacement, type UpdateSpec, updated, upserted } from './update.ts'

const UPDATE_FIELDS = ['q', 'u', 'multi', 'upsert', 'arrayFilters', 'collation', 'hint', 'sort', 'c']
const ID_INDEX = { name: '_id_', key: { _id: 1 } }

/** What one statement of `update` has done. */
interface Updated {
  readonly n: number
  readonly nModified: number
  /** The `_id` of what was inserted. */
  readonly upserted?: unknown
}

/** Runs the statements of a write one by one, and answers with the errors of those that failed. */
async function runAll<S>(
  { command, transaction }: Call,
  statements: readonly S[],
  run: (statement: S, index: number) => Promise<void>,
): Promise<Document> {
  const writeErrors: Document[] = []
  for (const [index, statement] of statements.entries()) {
    try {
      await run(statement, index)
    } catch (error) {
      const { code, message, details, labels } = refusalOf(error)
      if (labels.length > 0) throw error
      writeErrors.push({ index, code, errmsg: message, ...details })
      if (command['ordered'] !== false || transaction !== undefined) break
    }
  }
  return writeErrors.length === 0 ? {} : { writeErrors }
}

function insertion(namespace: string, document: Document, seen: Documents): Change {
  const key = keyOf(document['_id'])
  if (seen.has(key)) throw duplicate(namespace, ID_INDEX, document)
  return { key, document }
}

function change(document: Document | null, before: Document): Change {
  return { key: keyOf(before['_id']), document }
}

function isSame(a: Document, b: Document): boolean {
  return keyOf(a) === keyOf(b)
}

function planUpdate(namespace: string, statement: Document): (seen: Documents) => Plan<Updated> {
  const spec = statement as unknown as UpdateSpec
  const { multi = false, upsert = false, sort, collation } = statement
  if (multi && isReplacement(spec.u))
    throw new MongoRefusal('FailedToParse', 'multi update is not supported for replacement-style update')
  return seen => {
    const limit = multi ? 0 : 1
    const found = select(seen, { filter: spec.q, limit, sort: sort as Document | undefined, collation })
    if (found.length === 0 && upsert) {
      const document = upserted(spec)
      return {
        changes: [insertion(namespace, document, seen)],
        result: { n: 1, nModified: 0, upserted: document['_id'] },
      }
    }
    const pairs = found
      .map(before => ({ before, after: updated(before, spec) }))
      .filter(({ before, after }) => !isSame(before, after))
    const changes = pairs.map(({ before, after }) => change(after, before))
    return { changes, result: { n: found.length, nModified: changes.length } }
  }
}

/** Commands that write. */
export const writes: Readonly<Record<string, CommandSpec>> = {
  insert: {
    fields: ['documents', 'ordered', 'bypassDocumentValidation'],
    isTransactional: true,
    isWrite: true,
    async run(call) {
      const { command, state, transaction } = call
      const namespace = namespaceOf(command, 'insert')
      let n = 0
      const errors = await runAll(call, listOf(command['documents'], 'insert.documents'), async given => {
        const { _id = new ObjectId(), ...rest } = given
        if (Array.isArray(_id) || _id instanceof RegExp)
          throw new MongoRefusal(53, "can't use an array or regex for _id")
        const plan = (seen: Documents) => ({ changes: [insertion(namespace, { _id, ...rest }, seen)], result: 1 })
        n += await state.store.write(namespace, transaction, plan)
      })
      return { n, ...errors }
    },
  },
  update: {
    fields: ['updates', 'ordered', 'bypassDocumentValidation', 'let'],
    isTransactional: true,
    isWrite: true,
    async run(call) {
      const { command, state, transaction } = call
      const namespace = namespaceOf(command, 'update')
      const done: Document[] = []
      let n = 0
      let nModified = 0
      const errors = await runAll(call, listOf(command['updates'], 'update.updates'), async (statement, index) => {
        checkFields(statement, UPDATE_FIELDS, 'update.updates')
        const result = await state.store.write(namespace, transaction, planUpdate(namespace, statement))
        n += result.n
        nModified += result.nModified
        if ('upserted' in result) done.push({ index, _id: result.upserted })
      })
      return { n, nModified, ...(done.length > 0 && { upserted: done }), ...errors }
    },
  },
  delete: {
    fields: ['deletes', 'ordered', 'let'],
    isTransactional: true,
    isWrite: true,
    async run(call) {
      const { command, state, transaction } = call
      const namespace = namespaceOf(command, 'delete')
      let n = 0
      const errors = await runAll(call, listOf(command['deletes'], 'delete.deletes'), async statement => {
        checkFields(statement, ['q', 'limit', 'collation', 'hint'], 'delete.deletes')
        const { limit, collation } = statement
        if (limit !== 0 && limit !== 1)
          throw new MongoRefusal('FailedToParse', 'The limit field in delete objects must be 0 or 1')
        n += await state.store.write(namespace, transaction, seen => {
          const found = select(seen, { filter: documentOf(statement['q'], 'q'), limit, collation })
          return { changes: found.map(before => change(null, before)), result: found.length }
        })
      })
      return { n, ...errors }
    },
  },
  findAndModify: {
    fields: [
      'query',
      'sort',
      'remove',
      'update',
      'new',
      'fields',
      'upsert',
      'arrayFilters',
      'bypassDocumentValidation',
      'collation',
      'hint',
      'let',
    ],
    isTransactional: true,
    isWrite: true,
    run({ command, state, transaction }) {
      const namespace = namespaceOf(command, 'findAndModify')
      const { query, sort, remove, update, new: isAfter, fields, upsert, collation, arrayFilters } = command
      if ((remove === true) === (update !== undefined))
        throw new MongoRefusal('FailedToParse', 'Either an update or remove=true must be specified')
      const filter = documentOf(query, 'findAndModify.query')
      const spec = { q: filter, u: update, arrayFilters } as UpdateSpec
      const shown = (document: Document | null): Document | null => {
        return document === null
          ? null
          : select(new Map([['', document]]), { filter: {}, projection: fields as Document })[0]!
      }
      return state.store.write<Document>(namespace, transaction, seen => {
        const [before] = select(seen, { filter, limit: 1, sort: sort as Document | undefined, collation })
        if (before !== undefined && remove) {
          return { changes: [change(null, before)], result: { lastErrorObject: { n: 1 }, value: shown(before) } }
        }
        if (before !== undefined) {
          const after = updated(before, spec)
          const changes = isSame(before, after) ? [] : [change(after, before)]
          return {
            changes,
            result: { lastErrorObject: { n: 1, updatedExisting: true }, value: shown(isAfter ? after : before) },
          }
        }
        if (!upsert)
          return {
            changes: [],
            result: { lastErrorObject: { n: 0, ...(!remove && { updatedExisting: false }) }, value: null },
          }
        const made = upserted(spec)
        const lastErrorObject = { n: 1, updatedExisting: false, upserted: made['_id'] }
        return {
          changes: [insertion(namespace, made, seen)],
          result: { lastErrorObject, value: isAfter ? shown(made) : null },
        }
      })
    },
  },
}
