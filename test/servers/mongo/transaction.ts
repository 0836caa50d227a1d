import type { Document } from './types.ts'

/** Documents of a collection, by the key of their `_id`. */
export type Documents = Map<string, Document>

/** A document that a statement writes; null deletes it. */
export interface Change {
  readonly key: string
  readonly document: Document | null
}

/** A transaction: what was committed when it began, and what it has written. */
export class Transaction {
  state: 'open' | 'committed' | 'aborted' = 'open'
  /** Ends when it is committed or aborted. */
  readonly ended: Promise<void>
  /** The documents as they were when it began. */
  readonly #snapshot = new Map<string, ReadonlyMap<string, Document>>()
  readonly #views = new Map<string, Documents>()
  readonly #written = new Map<string, Set<string>>()
  #end: () => void

  constructor(collections: Iterable<readonly [string, Documents]>) {
    for (const [namespace, documents] of collections) {
      this.#snapshot.set(namespace, new Map(documents))
      this.#views.set(namespace, new Map(documents))
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ended = promise
    this.#end = resolve
  }

  /** What the transaction sees. */
  view(namespace: string): Documents {
    let view = this.#views.get(namespace)
    if (view === undefined) this.#views.set(namespace, (view = new Map()))
    return view
  }

  /** The document as it was when the transaction began. */
  original(namespace: string, key: string): Document | undefined {
    return this.#snapshot.get(namespace)?.get(key)
  }

  write(namespace: string, { key, document }: Change): void {
    const view = this.view(namespace)
    if (document === null) view.delete(key)
    else view.set(key, document)
    const written = this.#written.get(namespace) ?? new Set()
    this.#written.set(namespace, written.add(key))
  }

  /** All that it has written. */
  changes(): [namespace: string, changes: Change[]][] {
    return [...this.#written].map(([namespace, keys]) => {
      const view = this.view(namespace)
      return [namespace, [...keys].map(key => ({ key, document: view.get(key) ?? null }))]
    })
  }

  end(state: 'committed' | 'aborted'): void {
    this.state = state
    this.#end()
  }
}
