import type * as orm from '@mikro-orm/core'
import { helper, LockMode, TransactionContext } from '@mikro-orm/core'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import { type FileModel, type FileRegistry, FileTransaction, fileModel, type Owner } from '../../fields/index.ts'
import { FileType, loading } from './file-type.ts'

type Entity = Record<string, unknown>
type ChangeSet = orm.ChangeSet<Entity>

/** The files of a flush, how its entities become what they were, and whether the old names were read. */
interface Step {
  readonly files: FileTransaction
  readonly undo: (() => void)[]
  hasRead: boolean
}

/** Hears of the flushes and transactions of an ORM. */
export class MikroFiles implements orm.EventSubscriber {
  readonly #models = new Map<unknown, FileModel>()
  /** By transaction or savepoint of the database. */
  readonly #files = new WeakMap<object, FileTransaction>()
  /** By entity manager: in what its next savepoint begins. */
  readonly #outer = new WeakMap<object, object | undefined>()
  /** By unit of work: the flush that runs, or has failed. */
  readonly #steps = new WeakMap<object, Step>()
  readonly #registry: FileRegistry

  constructor(registry: FileRegistry) {
    this.#registry = registry
  }

  /** Finds the file properties of an entity, and registers their columns. */
  register(
    driver: orm.IDatabaseDriver,
    { props, class: type, className, abstract, schema, embeddable }: orm.EntityMetadata,
  ): () => void {
    const files = props.filter(({ customType, persist }) => customType instanceof FileType && persist !== false)
    if (files.length === 0) return () => {}
    if (embeddable || schema === '*' || files.some(({ embedded, ref }) => embedded || ref))
      throw new ImproperlyConfigured(`'${className}' has files in an embeddable, a reference or the schema '*'.`)
    const fields = files.map(({ name, customType }) => [name, (customType as FileType).field()])
    const model = fileModel(className, Object.fromEntries(fields), this.#registry)
    this.#models.set(type, model)
    if (abstract) return () => {}
    // By the driver, which knows neither filters nor the running transaction.
    return model.addUsers(async (name, names) => {
      const options = { fields: [name] as never[], connectionType: 'write' } as const
      return (await driver.find<Entity>(type, { [name]: { $in: names } }, options)).map(row => (row as Entity)[name])
    })
  }

  getSubscribedEntities(): never[] {
    return [...this.#models.keys()] as never[]
  }

  /** A flush that failed without any event ends here. */
  beforeFlush({ uow }: orm.FlushEventArgs): Promise<void> {
    return this.#end(uow, false)
  }

  /** Stores what is assigned, before anything is written. */
  async onFlush({ em, uow }: orm.FlushEventArgs): Promise<void> {
    const step = {
      files: this.#filesOf(em)?.savepoint() ?? new FileTransaction(this.#registry),
      undo: [],
      hasRead: false,
    }
    this.#steps.set(uow, step)
    try {
      for (const change of uow.getChangeSets() as ChangeSet[]) await this.#store(change, step)
    } catch (error) {
      await this.#end(uow, false)
      throw error
    }
  }

  afterFlush({ uow }: orm.FlushEventArgs): Promise<void> {
    return this.#end(uow, true)
  }

  /** Reads and locks all rows that a flush changes or deletes; after the commit the database says which files are still used. */
  async beforeUpdate({ em }: orm.EventArgs<Entity>): Promise<void> {
    const uow = em.getUnitOfWork(false)
    const step = this.#steps.get(uow)
    if (step === undefined || step.hasRead) return
    step.hasRead = true
    for (const [type, all] of Map.groupBy(uow.getChangeSets() as ChangeSet[], ({ meta }) => meta.class as unknown)) {
      const model = this.#models.get(type)
      const some = all.filter(
        ({ type, payload }) => type.startsWith('delete') || (type !== 'create' && model?.concerns(payload)),
      )
      if (model === undefined || some.length === 0) continue
      const { meta, schema } = some[0]!
      const where = { [meta.primaryKeys.join('~~~')]: { $in: some.map(change => change.getPrimaryKey()) } }
      const rows: object[] = await em.getDriver().find(meta.class, where as object, {
        fields: model.attributes as never[],
        ...(schema && { schema }),
        ...(em.isInTransaction() && { ctx: em.getTransactionContext(), lockMode: LockMode.PESSIMISTIC_WRITE as const }),
      })
      // What was stored for a row that is gone is in none.
      if (rows.length < some.length) rows.push(...some.map(({ payload }) => payload))
      for (const row of rows) await model.release(row, undefined, step.files)
    }
  }

  readonly beforeDelete = this.beforeUpdate

  beforeTransactionStart({ em, transaction }: orm.TransactionEventArgs): void {
    this.#outer.set(em, transaction)
  }

  afterTransactionStart({ em, uow, transaction }: orm.TransactionEventArgs): void {
    const outer = this.#outer.get(em)
    const files = outer ? this.#files.get(outer)?.savepoint() : this.#steps.get(uow!)?.files
    this.#files.set(transaction!, files ?? new FileTransaction(this.#registry))
  }

  async afterTransactionCommit({ uow, transaction }: orm.TransactionEventArgs): Promise<void> {
    const files = this.#files.get(transaction!)
    // Another flush than the one that began the transaction has failed, and the program went on.
    await this.#end(uow!, this.#steps.get(uow!)?.files === files)
    await files?.commit()
  }

  async afterTransactionRollback({ uow, transaction }: orm.TransactionEventArgs): Promise<void> {
    await this.#end(uow!, false)
    await this.#files.get(transaction!)?.rollback()
  }

  /** Loads an entity, or makes it of values; the files are its own then. */
  hydrate(hydrate: () => void, entity: Entity, type: unknown, data: Entity): void {
    const model = this.#models.get(type)
    const outer = loading.owner
    const owner = model && this.#ownerOf(entity)
    loading.owner = owner
    hydrate()
    loading.owner = outer
    for (const name of model?.attributes ?? []) {
      const isName = data[name] === null || (data[name] !== undefined && typeof entity[name] === 'string')
      if (isName) entity[name] = model!.attach(name, data[name], owner)
    }
  }

  async #store({ type, meta, entity, payload }: ChangeSet, { files, undo }: Step): Promise<void> {
    const model = this.#models.get(meta.class)
    if (model === undefined || type.startsWith('delete')) return
    const names = model.attributes.filter(name => type === 'create' || name in payload)
    const stored = await model.store(Object.fromEntries(names.map(name => [name, entity[name]])), {
      row: entity,
      files,
    })
    for (const [name, value] of Object.entries(stored)) {
      const before = entity[name]
      undo.push(() => (entity[name] = before))
      if (value !== undefined) Object.assign(payload, { [name]: value })
      entity[name] = model.fields[name]?.attach(value as string | null, this.#ownerOf(entity)) ?? value
    }
  }

  /** Ends the files of a flush; after a failure another flush stores the content again. */
  async #end(uow: object, isDone: boolean): Promise<void> {
    const step = this.#steps.get(uow)
    this.#steps.delete(uow)
    if (isDone || !step?.files.isOpen) return step?.files.commit()
    for (const undo of step.undo.reverse()) undo()
    await step.files.rollback()
  }

  /** The files of the transaction that an entity manager runs in. */
  #filesOf(em: orm.EntityManager): FileTransaction | undefined {
    if (!em.isInTransaction()) return undefined
    const files = this.#files.get(em.getTransactionContext() as object)
    if (files !== undefined) return files
    throw new StorageError('unsupported', 'Files are written in transactions of em.transactional and em.begin only.')
  }

  /** For `save` and `delete` of an entity's files: they flush its entity manager. */
  #ownerOf(row: Entity): Owner {
    const persist = async (values: object): Promise<void> => {
      const before = Object.fromEntries(Object.keys(values).map(key => [key, row[key]]))
      Object.assign(row, values)
      await managerOf(row)
        .flush()
        .catch((error: unknown) => {
          Object.assign(row, before)
          throw error
        })
    }
    return { row, persist, transaction: () => this.#filesOf(managerOf(row)) }
  }
}

/** The entity manager of an entity: that of the running transaction, if it knows it. */
function managerOf(row: object): orm.EntityManager {
  const own = helper(row).__em as orm.EntityManager | undefined
  if (own === undefined) throw new StorageError('unsupported', 'The entity is new: flush it before its file is saved.')
  const running = TransactionContext.getEntityManager(own.name)
  return running?.getUnitOfWork(false).getIdentityMap().getByEntity(row) === row ? running : own
}
