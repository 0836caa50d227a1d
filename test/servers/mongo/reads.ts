import { aggregate, find, Query } from 'mingo'
import { type Call, type CommandSpec, documentOf, namespaceOf } from './context.ts'
import { MongoRefusal } from './errors.ts'
import { valuesAt } from './store.ts'
import { type Document, keyOf } from './types.ts'

/** Documents of a first batch where the client says nothing. */
const FIRST_BATCH = 101
let cursors = 0

/** How the documents of a filter are looked up. */
export interface Selection {
  readonly filter: Document
  readonly sort?: Document | undefined
  readonly skip?: number | undefined
  readonly limit?: number | undefined
  readonly projection?: Document | undefined
  readonly collation?: unknown
}

/** The documents of a selection, in its order. */
export function select(documents: ReadonlyMap<string, Document>, selection: Selection): Document[] {
  const { filter, sort, skip, limit, projection, collation } = selection
  const options = collation === undefined ? {} : { collation: collation as { locale: string } }
  const seen = candidates(documents, filter)
  let cursor = find<Document>(
    seen,
    filter,
    projection && Object.keys(projection).length > 0 ? projection : undefined,
    options,
  )
  if (sort !== undefined && Object.keys(sort).length > 0) cursor = cursor.sort(sort as Record<string, 1 | -1>)
  if (skip) cursor = cursor.skip(skip)
  if (limit) cursor = cursor.limit(Math.abs(limit))
  return cursor.all()
}

/** Whether a document fits a filter. */
export function fits(document: Document, filter: Document): boolean {
  return new Query(filter).test(document)
}

/** All documents that can fit; one where the filter has its `_id`. */
function candidates(documents: ReadonlyMap<string, Document>, filter: Document): Document[] {
  const { _id } = filter
  if (_id === undefined || _id === null || _id instanceof RegExp) return [...documents.values()]
  if (typeof _id === 'object' && Object.keys(_id).some(key => key.startsWith('$'))) return [...documents.values()]
  const found = documents.get(keyOf(_id))
  return found === undefined ? [] : [found]
}

/** The answer with the first documents; the others stay for `getMore`. */
export function cursorAnswer(
  { state }: Call,
  namespace: string,
  documents: readonly Document[],
  size = FIRST_BATCH,
  single = false,
): Document {
  const firstBatch = documents.slice(0, size)
  const rest = documents.slice(size)
  if (rest.length === 0 || single) return { cursor: { firstBatch, id: 0n, ns: namespace } }
  const id = ++cursors
  state.cursors.set(id, { namespace, rest })
  return { cursor: { firstBatch, id: BigInt(id), ns: namespace } }
}

function seenBy({ state, transaction }: Call, namespace: string): ReadonlyMap<string, Document> {
  return state.store.view(namespace, transaction)
}

/** Commands that read. */
export const reads: Readonly<Record<string, CommandSpec>> = {
  find: {
    fields: [
      'filter',
      'sort',
      'projection',
      'skip',
      'limit',
      'batchSize',
      'singleBatch',
      'collation',
      'hint',
      'let',
      'noCursorTimeout',
      'allowDiskUse',
    ],
    isTransactional: true,
    run(call) {
      const { command } = call
      const namespace = namespaceOf(command, 'find')
      const found = select(seenBy(call, namespace), {
        filter: documentOf(command['filter'], 'find.filter'),
        sort: documentOf(command['sort'], 'find.sort'),
        projection: documentOf(command['projection'], 'find.projection'),
        skip: command['skip'] as number | undefined,
        limit: command['limit'] as number | undefined,
        collation: command['collation'],
      })
      return cursorAnswer(
        call,
        namespace,
        found,
        command['batchSize'] as number | undefined,
        command['singleBatch'] === true,
      )
    },
  },
  getMore: {
    fields: ['collection', 'batchSize'],
    isTransactional: true,
    run({ state, command }) {
      const id = Number(command['getMore'])
      const cursor = state.cursors.get(id)
      if (cursor === undefined) throw new MongoRefusal('CursorNotFound', `cursor id ${id} not found`)
      const size = (command['batchSize'] as number | undefined) ?? cursor.rest.length
      const nextBatch = cursor.rest.slice(0, size)
      cursor.rest = cursor.rest.slice(size)
      if (cursor.rest.length === 0) state.cursors.delete(id)
      return { cursor: { nextBatch, id: BigInt(cursor.rest.length === 0 ? 0 : id), ns: cursor.namespace } }
    },
  },
  killCursors: {
    fields: ['cursors'],
    isTransactional: true,
    run({ state, command }) {
      const ids = command['cursors'] as (number | bigint)[]
      const cursorsKilled = ids.filter(id => state.cursors.delete(Number(id)))
      const cursorsNotFound = ids.filter(id => !cursorsKilled.includes(id))
      return { cursorsKilled, cursorsNotFound, cursorsAlive: [], cursorsUnknown: [] }
    },
  },
  count: {
    fields: ['query', 'limit', 'skip', 'hint', 'collation'],
    run(call) {
      const { command } = call
      const filter = documentOf(command['query'], 'count.query')
      const selection = { filter, limit: command['limit'] as number, skip: command['skip'] as number }
      return { n: select(seenBy(call, namespaceOf(command, 'count')), selection).length }
    },
  },
  distinct: {
    fields: ['key', 'query', 'collation', 'hint'],
    isTransactional: true,
    run(call) {
      const { command } = call
      const { key } = command
      if (typeof key !== 'string') throw new MongoRefusal('TypeMismatch', "BSON field 'distinct.key' is no string")
      const filter = documentOf(command['query'], 'distinct.query')
      const found = select(seenBy(call, namespaceOf(command, 'distinct')), { filter })
      const values = new Map(found.flatMap(document => valuesAt(document, key)).map(value => [keyOf(value), value]))
      return { values: [...values.values()] }
    },
  },
  aggregate: {
    fields: ['pipeline', 'cursor', 'allowDiskUse', 'collation', 'hint', 'let', 'bypassDocumentValidation'],
    isTransactional: true,
    run(call) {
      const { command, state, transaction } = call
      const namespace = namespaceOf(command, 'aggregate')
      const { pipeline, cursor } = command
      if (!Array.isArray(pipeline))
        throw new MongoRefusal('TypeMismatch', "'pipeline' option must be specified as an array")
      if (cursor === undefined) throw new MongoRefusal('FailedToParse', "The 'cursor' option is required")
      for (const stage of pipeline as Document[]) {
        if ('$out' in stage || '$merge' in stage) throw new MongoRefusal(40324, 'This server has no stages that write')
      }
      const collation = command['collation'] as { locale: string } | undefined
      const found = aggregate([...seenBy(call, namespace).values()], pipeline as Document[], {
        collectionResolver: name => [...state.store.view(`${command.$db}.${name}`, transaction).values()],
        ...(collation && { collation }),
      })
      return cursorAnswer(
        call,
        namespace,
        found,
        documentOf(cursor, 'aggregate.cursor')['batchSize'] as number | undefined,
      )
    },
  },
}
