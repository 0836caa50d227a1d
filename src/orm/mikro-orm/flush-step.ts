import { type ChangeSet, type EntityManager, LockMode } from '@mikro-orm/core'
import { FieldFile, type FileTransaction } from '../../fields/index.ts'
import type { Entity, EntityFiles } from './entity-files.ts'
import type { EntityOwner } from './owner.ts'

/** What a flush has to know of its ORM. */
interface FlushContext {
  filesOf(entityClass: unknown): EntityFiles | undefined
  ownerOf(entity: object): EntityOwner
}

/** The files of one flush, or of one statement with values: what was stored and what entities had before. */
export class FlushStep {
  readonly em: EntityManager
  readonly files: FileTransaction
  readonly #context: FlushContext
  readonly #undo: (() => void)[] = []
  readonly #read = new Set<ChangeSet<object>>()

  constructor(context: FlushContext, em: EntityManager, files: FileTransaction) {
    this.#context = context
    this.em = em
    this.files = files
  }

  /** Stores what all change sets, and the updates that are to follow them, assign to file properties. Nothing is written yet. */
  async storeAll(): Promise<void> {
    const uow = this.em.getUnitOfWork(false)
    for (const change of uow.getChangeSets() as ChangeSet<object>[]) {
      for (const { type, meta, entity, payload } of [change, ...(change.tptChangeSets ?? [])]) {
        const found = this.#context.filesOf(meta.class)
        if (found === undefined || type.startsWith('delete')) continue
        const all = type === 'create' && meta.tptParent === undefined ? found.model.attributes : []
        await this.store(found, entity as Entity, [...found.present(payload), ...all], payload as Entity)
      }
    }
    for (const [entity, names, values] of uow.getExtraUpdates()) {
      const found = this.#context.filesOf(entity.constructor)
      if (found === undefined || !Array.isArray(names)) continue
      for (const attribute of found.present(Object.fromEntries(names.map(name => [name, true])))) {
        const at = names.indexOf(attribute as never)
        const row = { [attribute]: (values as unknown[])[at] }
        const stored = await found.model.store(row, { row: entity, files: this.files, signal: this.signal })
        ;(values as unknown[])[at] = found.model.fields[attribute]!.attach(
          stored[attribute] as string,
          this.#context.ownerOf(entity),
        )
      }
    }
  }

  /** Stores what an entity has for some of its file properties, and sets the names in it and in what is written of it. */
  async store(found: EntityFiles, entity: Entity, attributes: Iterable<string>, payload?: Entity): Promise<void> {
    const owner = this.#context.ownerOf(entity)
    const values: Entity = {}
    for (const attribute of new Set(attributes)) {
      if (entity[attribute] !== undefined) values[attribute] = entity[attribute]
      else {
        found.fill(entity, attribute, owner)
        if (entity[attribute] !== undefined) values[attribute] = null
      }
    }
    if (found.present(values).length === 0) return
    const stored = await found.model.store(values, { row: entity, files: this.files, signal: this.signal })
    for (const [key, value] of Object.entries(stored)) {
      const before = entity[key]
      const field = found.model.fields[key]
      const pending = before instanceof FieldFile ? before.pending : undefined
      this.#undo.push(() => {
        entity[key] = pending === undefined ? before : field!.attach(null, owner).assign(pending)
      })
      if (payload !== undefined) payload[key] = value
      if (field === undefined) entity[key] = value
      else if (before instanceof FieldFile && before.field === field && before.row === entity) {
        before.settle(value as string | null)
      } else entity[key] = field.attach(value as string | null, owner)
    }
  }

  /** Stores what a hook of the program has assigned after the change sets were made. */
  async storeLate(entity: object): Promise<void> {
    const found = this.#context.filesOf(entity.constructor)
    if (found === undefined) return
    const { fields, attributes } = found.model
    const late = attributes.filter(attribute => fields[attribute]!.isContent((entity as Entity)[attribute]))
    const isStored = (attribute: string): boolean => {
      const value = (entity as Entity)[attribute]
      return value instanceof FieldFile && value.committed
    }
    await this.store(
      found,
      entity as Entity,
      late.filter(attribute => !isStored(attribute)),
    )
  }

  /** Reads the names that rows have before they are changed or deleted, in the transaction of the flush, and notes that they are not needed. */
  async releaseOld(late: ChangeSet<object> | undefined): Promise<void> {
    const all = this.em.getUnitOfWork(false).getChangeSets() as ChangeSet<object>[]
    const changes = [
      ...all,
      ...all.flatMap(change => change.tptChangeSets ?? []),
      ...(late === undefined ? [] : [late]),
    ]
    const unread = changes.filter(change => !this.#read.has(change) && this.#isReleasing(change))
    for (const change of unread) this.#read.add(change)
    for (const [entityClass, group] of Map.groupBy(unread, ({ meta }) => meta.class)) {
      const found = this.#context.filesOf(entityClass)!
      for (const [schema, some] of Map.groupBy(group, change => change.schema)) {
        const { meta, model } = found
        const keys = some.map(change => change.getPrimaryKey() as never)
        const ctx = this.em.getTransactionContext()
        const rows = await this.em
          .getDriver()
          .find(meta.class, { [meta.primaryKeys.join('~~~')]: { $in: keys } } as object, {
            fields: [...meta.primaryKeys, ...model.attributes] as never[],
            orderBy: Object.fromEntries(meta.primaryKeys.map(key => [key, 'asc'])) as never,
            connectionType: 'write',
            ...(schema === undefined ? {} : { schema }),
            ...(ctx === undefined ? {} : { ctx, lockMode: LockMode.PESSIMISTIC_WRITE }),
          })
        for (const row of rows) await model.release(row, undefined, this.files)
      }
    }
  }

  /** Runs a write, and ends its files: those that it stored are removed if it fails, and its entities are what they were. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    let result: T
    try {
      result = await work()
    } catch (error) {
      // A commit that happened stays.
      if (this.files.isOpen) for (const undo of this.#undo.splice(0).reverse()) undo()
      await this.files.rollback()
      throw error
    }
    await this.files.commit()
    return result
  }

  #isReleasing({ type, meta, payload }: ChangeSet<object>): boolean {
    const found = this.#context.filesOf(meta.class)
    if (found === undefined || type === 'create') return false
    return type.startsWith('delete') || found.present(payload).length > 0
  }

  /** That of the entity manager. */
  get signal(): AbortSignal | undefined {
    return (this.em as unknown as { readonly signal?: AbortSignal }).signal
  }
}
