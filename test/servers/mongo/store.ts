import { MongoRefusal, writeConflict } from './errors.ts'
import { type Change, type Documents, Transaction } from './transaction.ts'
import { type Document, keyOf } from './types.ts'

/** An index as `createIndexes` describes it. */
export interface Index extends Document {
  readonly name: string
  readonly key: Document
  readonly unique?: boolean
  readonly sparse?: boolean
}

/** A collection with what is committed in it. */
export interface Collection {
  readonly documents: Documents
  readonly indexes: Index[]
}

/** What a statement does, worked out from the documents that it sees. */
export interface Plan<T> {
  readonly changes: readonly Change[]
  readonly result: T
}

/** All databases: committed documents, and the transactions that are open. */
export class Store {
  readonly collections = new Map<string, Collection>()
  readonly #open = new Set<Transaction>()
  /** Which open transaction has written a document. */
  readonly #writers = new Map<string, Transaction>()

  begin(): Transaction {
    const transaction = new Transaction([...this.collections].map(([name, { documents }]) => [name, documents]))
    this.#open.add(transaction)
    return transaction
  }

  commit(transaction: Transaction): void {
    for (const [namespace, changes] of transaction.changes()) this.#apply(namespace, changes)
    this.#end(transaction, 'committed')
  }

  abort(transaction: Transaction): void {
    if (transaction.state === 'open') this.#end(transaction, 'aborted')
  }

  /** The collection, made if there is none. */
  collection(namespace: string): Collection {
    let collection = this.collections.get(namespace)
    if (collection === undefined) {
      collection = { documents: new Map(), indexes: [{ v: 2, key: { _id: 1 }, name: '_id_' }] }
      this.collections.set(namespace, collection)
    }
    return collection
  }

  /** The documents that a command sees. */
  view(namespace: string, transaction: Transaction | undefined): Documents {
    return transaction?.view(namespace) ?? this.collections.get(namespace)?.documents ?? new Map()
  }

  /**
   * Carries out a statement, at once or not at all. Outside a transaction it waits for those that have written the same documents, and is worked
   * out again; inside, that is a write conflict.
   */
  async write<T>(
    namespace: string,
    transaction: Transaction | undefined,
    plan: (seen: Documents) => Plan<T>,
  ): Promise<T> {
    for (;;) {
      const indexes = this.collections.get(namespace)?.indexes ?? []
      const { changes, result } = plan(this.view(namespace, transaction))
      const other = this.#conflict(namespace, changes, indexes, transaction)
      if (other === undefined) {
        this.#write(namespace, changes, transaction)
        return result
      }
      if (transaction !== undefined || other === 'committed') throw writeConflict()
      await other.ended
    }
  }

  /** Refuses an index that is unique when the documents are not. */
  checkIndex(namespace: string, index: Index): void {
    if (!index.unique) return
    const seen = new Set<string>()
    for (const document of this.collection(namespace).documents.values()) {
      for (const entry of entriesOf(index, document)) {
        if (seen.has(entry)) throw duplicate(namespace, index, document)
      }
      for (const entry of entriesOf(index, document)) seen.add(entry)
    }
  }

  #write(namespace: string, changes: readonly Change[], transaction: Transaction | undefined): void {
    if (transaction === undefined) this.#apply(namespace, changes)
    else
      for (const change of changes) {
        transaction.write(namespace, change)
        this.#writers.set(`${namespace} ${change.key}`, transaction)
      }
  }

  #apply(namespace: string, changes: readonly Change[]): void {
    const { documents } = this.collection(namespace)
    for (const { key, document } of changes) {
      if (document === null) documents.delete(key)
      else documents.set(key, document)
    }
  }

  #end(transaction: Transaction, state: 'committed' | 'aborted'): void {
    for (const [namespace, changes] of transaction.changes()) {
      for (const { key } of changes) this.#writers.delete(`${namespace} ${key}`)
    }
    this.#open.delete(transaction)
    transaction.end(state)
  }

  /** The transaction that stands against the changes, or `committed` when a later commit does. A duplicate key is thrown. */
  #conflict(
    namespace: string,
    changes: readonly Change[],
    indexes: readonly Index[],
    transaction: Transaction | undefined,
  ): Transaction | 'committed' | undefined {
    const committed = this.view(namespace, undefined)
    for (const { key } of changes) {
      const writer = this.#writers.get(`${namespace} ${key}`)
      if (writer === transaction && writer !== undefined) continue
      if (writer !== undefined) return writer
      if (transaction !== undefined && committed.get(key) !== transaction.original(namespace, key)) return 'committed'
    }
    const unique = indexes.filter(index => index.unique)
    if (unique.length === 0) return undefined
    this.#checkUnique(namespace, changes, unique, this.view(namespace, transaction))
    try {
      if (transaction !== undefined)
        this.#checkUnique(namespace, changes, unique, withChanges(committed, namespace, transaction))
    } catch {
      return 'committed'
    }
    for (const other of this.#open) {
      if (other === transaction) continue
      try {
        this.#checkUnique(namespace, changes, unique, withChanges(new Map(), namespace, other))
      } catch {
        return other
      }
    }
    return undefined
  }

  #checkUnique(
    namespace: string,
    changes: readonly Change[],
    indexes: readonly Index[],
    documents: ReadonlyMap<string, Document | null>,
  ): void {
    const after = new Map(documents)
    for (const { key, document } of changes) after.set(key, document)
    for (const index of indexes) {
      for (const { key, document } of changes) {
        if (document === null) continue
        const mine = new Set(entriesOf(index, document))
        if (mine.size === 0) continue
        for (const [otherKey, other] of after) {
          if (otherKey === key || other === null) continue
          if (entriesOf(index, other).some(entry => mine.has(entry))) throw duplicate(namespace, index, document)
        }
      }
    }
  }
}

function withChanges(documents: Documents, namespace: string, transaction: Transaction): Map<string, Document | null> {
  const all = new Map<string, Document | null>(documents)
  for (const [name, changes] of transaction.changes()) {
    if (name === namespace) for (const { key, document } of changes) all.set(key, document)
  }
  return all
}

/** E11000. */
export function duplicate(namespace: string, index: Index, document: Document): MongoRefusal {
  const keyValue = Object.fromEntries(Object.keys(index.key).map(path => [path, valuesAt(document, path)[0] ?? null]))
  const shown = JSON.stringify(keyValue)
  return new MongoRefusal(
    'DuplicateKey',
    `E11000 duplicate key error collection: ${namespace} index: ${index.name} dup key: ${shown}`,
    {
      details: { keyPattern: index.key, keyValue },
    },
  )
}

/** The values that a dotted path finds in a document, those in arrays one by one. */
export function valuesAt(value: unknown, path: string): unknown[] {
  let found: unknown[] = [value]
  for (const part of path.split('.')) {
    found = found.flatMap(one => (Array.isArray(one) && !/^\d+$/.test(part) ? one : [one]))
    found = found.map(one => (typeof one === 'object' && one !== null ? (one as Document)[part] : undefined))
  }
  return found.flat().filter(one => one !== undefined)
}

function entriesOf(index: Index, document: Document): string[] {
  const paths = Object.keys(index.key)
  const values = paths.map(path => valuesAt(document, path))
  if (index.sparse && values.every(({ length }) => length === 0)) return []
  let entries = ['']
  for (const found of values) {
    const keys = found.length === 0 ? [keyOf(null)] : found.map(keyOf)
    entries = entries.flatMap(entry => keys.map(key => entry + key))
  }
  return entries
}
