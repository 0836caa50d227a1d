import type * as orm from '@mikro-orm/core'
import { helper, LockMode, TransactionContext } from '@mikro-orm/core'
import { ImproperlyConfigured, StorageError } from '../../core/errors.ts'
import type { FileModel, FileRegistry } from '../../fields/index.ts'
import { FieldFile, FileTransaction, fileModel, fileRegistry } from '../../fields/index.ts'
import { RowOwner, type RowWriter } from '../row-owner.ts'
import { FileType, loading } from './file-type.ts'

type Entity = Record<string, unknown>
type ChangeSet = orm.ChangeSet<Entity>
type Hydrator = { hydrate(entity: Entity, meta: orm.EntityMetadata, data: Entity, ...more: unknown[]): void }

/** Subscribes to the flushes and transactions of an ORM, which awaits its methods. */
class MikroFiles implements orm.EventSubscriber, RowWriter<object> {
  registry = fileRegistry
  readonly #models = new Map<unknown, FileModel>()
  /** By transaction or savepoint of the database, and by unit of work: those of its current or failed flush. */
  readonly #files = new WeakMap<object, FileTransaction>()
  /** By transaction or savepoint: the savepoints and flushes in it. */
  readonly #inner = new WeakMap<object, object[]>()
  /** By entity manager: the transaction in which its next savepoint begins. */
  readonly #outer = new WeakMap<object, object | undefined>()
  readonly #haveRead = new WeakSet<FileTransaction>()

  /** Finds the file properties of an entity, and registers their columns; the returned function removes them. */
  register(driver: orm.IDatabaseDriver, meta: orm.EntityMetadata): () => void {
    const props = meta.props.filter(({ customType, persist }) => customType instanceof FileType && persist !== false)
    if (props.length === 0) return () => {}
    if (meta.embeddable || meta.schema === '*' || props.some(({ embedded, ref }) => embedded || ref))
      throw new ImproperlyConfigured(`'${meta.className}' has files in an embeddable, a reference or the schema '*'.`)
    const fields = props.map(({ name, customType }) => [name, (customType as FileType).field()])
    const model = fileModel(meta.className, Object.fromEntries(fields), this.registry)
    this.#models.set(meta.class, model)
    // Queried by the driver, which has neither filters nor the current transaction.
    return model.addUsers(async (name, names) => {
      const options = { fields: [name] as never[], connectionType: 'write' } as const
      const rows: object[] = await driver.find(meta.class, { [name]: { $in: names } } as object, options)
      return rows.map(row => (row as Entity)[name])
    })
  }

  readonly transactionOf = (row: object) => this.#running(managerOf(row))
  readonly getSubscribedEntities = () => [...this.#models.keys()] as never[]
  readonly afterFlush = ({ uow }: orm.FlushEventArgs) => this.#end(uow, 'commit')
  readonly beforeDelete = (event: orm.EventArgs<Entity>) => this.beforeUpdate(event)
  readonly beforeTransactionStart = (event: orm.TransactionEventArgs) =>
    void this.#outer.set(event.em, event.transaction)
  readonly afterTransactionCommit = (event: orm.TransactionEventArgs) => this.#end(event.transaction!, 'commit')
  readonly afterTransactionRollback = (event: orm.TransactionEventArgs) => this.#end(event.transaction!, 'rollback')
  /** Ends a flush that failed without any event. */
  readonly beforeFlush = ({ uow }: orm.FlushEventArgs) => this.#end(uow, 'rollback')

  /** Stores assigned content, before anything is written. */
  async onFlush({ em, uow }: orm.FlushEventArgs): Promise<void> {
    this.#running(em)
    const files = this.#begin(uow, em.getTransactionContext())
    try {
      for (const change of changesOf(uow)) await this.#store(change, files, uow)
    } catch (error) {
      await this.#end(uow, 'rollback')
      throw error
    }
  }

  /** Reads and locks all rows that a flush changes or deletes; after the commit the database reports which files are still used. */
  async beforeUpdate({ em }: orm.EventArgs<Entity>): Promise<void> {
    const uow = em.getUnitOfWork(false)
    const files = this.#files.get(uow)
    if (files === undefined || this.#haveRead.has(files)) return
    this.#haveRead.add(files)
    for (const [type, all] of Map.groupBy(changesOf(uow), ({ meta }) => meta.class as unknown)) {
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
      // A file that was stored for a missing row is in no row.
      if (rows.length < some.length) rows.push(...some.map(({ payload }) => payload))
      for (const row of rows) await model.release(row, undefined, files)
    }
  }

  /** A transaction that a flush begins has the files of the flush. */
  afterTransactionStart({ em, uow, transaction }: orm.TransactionEventArgs): void {
    const [outer, flush] = [this.#outer.get(em), this.#files.get(uow!)]
    if (outer === undefined && flush?.isOpen) this.#files.set(transaction!, flush)
    else this.#begin(transaction!, outer)
  }

  /** Loads an entity, or makes it from values; then it owns the files. */
  hydrate(hydrate: () => void, entity: Entity, meta: orm.EntityMetadata, data: Entity, ..._: unknown[]): void {
    const model = this.#models.get(meta.class)
    const outer = loading.owner
    const owner = (loading.owner = model && new RowOwner(entity, this, entity))
    hydrate()
    loading.owner = outer
    for (const name of model?.attributes ?? []) {
      const isRaw = data[name] !== undefined && !(entity[name] instanceof FieldFile)
      if (isRaw) entity[name] = model!.attach(name, data[name], owner)
    }
  }

  async #store({ type, meta, entity, payload }: ChangeSet, files: FileTransaction, uow: object): Promise<void> {
    const model = this.#models.get(meta.class)
    if (model === undefined || type.startsWith('delete')) return
    const names = model.attributes.filter(name => name in payload || (type === 'create' && entity[name] === undefined))
    const none = type === 'create' ? undefined : null
    const values = Object.fromEntries(names.map(name => [name, entity[name] === undefined ? none : entity[name]]))
    const stored = await model.store(values, { row: entity, files })
    for (const [name, value] of Object.entries(stored)) {
      const before = entity[name]
      // A flush that failed is repeated with the content; after one that succeeded, the ORM also keeps the written values.
      files.onRollback(() => this.#files.get(uow) === files && (entity[name] = before))
      if (value !== undefined) Object.assign(payload, { [name]: value })
      entity[name] = model.fields[name]?.attach(value as string | null, new RowOwner(entity, this, entity)) ?? value
    }
  }

  #begin(key: object, outer: object | undefined): FileTransaction {
    const files = (outer && this.#files.get(outer)?.savepoint()) ?? new FileTransaction(this.registry)
    if (outer !== undefined) this.#inner.set(outer, [...(this.#inner.get(outer) ?? []), key])
    this.#files.set(key, files)
    return files
  }

  /** Also ends what is in it: a flush without a further event has failed; MySQL and MariaDB send none for a released savepoint. */
  async #end(key: object, how: 'commit' | 'rollback'): Promise<void> {
    for (const inner of this.#inner.get(key) ?? [])
      await this.#end(inner, 'getChangeSets' in inner ? 'rollback' : 'commit')
    const ended = this.#files.get(key)?.[how]()
    this.#files.delete(key)
    await ended
  }

  /** Saves files of an entity by a flush of its entity manager. */
  async persist(row: object, values: object): Promise<void> {
    const before = Object.fromEntries(Object.keys(values).map(key => [key, (row as Entity)[key]]))
    FileTransaction.current()?.onRollback(() => Object.assign(row, before))
    await managerOf(Object.assign(row, values)).flush()
  }

  /** Returns the files of the transaction that an entity manager runs in. */
  #running(em: orm.EntityManager): FileTransaction | undefined {
    if (!em.isInTransaction()) return undefined
    const files = this.#files.get(em.getTransactionContext() as object)
    if (files !== undefined) return files
    throw new StorageError('unsupported', 'Files are written in transactions of em.transactional and em.begin only.')
  }
}

/** Returns the changes of all tables: with inheritance, an entity can be in several. */
function changesOf(uow: orm.UnitOfWork): ChangeSet[] {
  return uow.getChangeSets().flatMap(change => [change, ...(change.tptChangeSets ?? [])]) as ChangeSet[]
}

/** Returns the entity manager of an entity: that of the current transaction, if it knows the entity. */
function managerOf(row: object): orm.EntityManager {
  const own = helper(row).__em as orm.EntityManager | undefined
  if (own === undefined) throw new StorageError('unsupported', 'The entity is new: flush it before its file is saved.')
  const running = TransactionContext.getEntityManager(own.name)
  return running?.getUnitOfWork(false).getIdentityMap().getByEntity(row) === row ? running : own
}

/**
 * Connects files to the writes of an ORM: assigned content is stored before a flush writes, and files that no row names are removed after
 * the commit. Call it once after `MikroORM.init`; the returned function disconnects them.
 * @example
 * mikroFiles(await MikroORM.init({ entities: [Resume], dbName: 'resumes.db' }))
 */
export function mikroFiles(orm: orm.MikroORM, options: { readonly registry?: FileRegistry } = {}): () => void {
  const files = new MikroFiles()
  files.registry = options.registry ?? fileRegistry
  const detach = [...orm.getMetadata().getAll().values()].map(meta => files.register(orm.driver, meta))
  const hydrator = orm.em.getHydrator() as unknown as Hydrator
  const { hydrate } = hydrator
  hydrator.hydrate = (...all) => files.hydrate(() => hydrate.apply(hydrator, all), ...all)
  orm.em.getEventManager().registerSubscriber(files)
  return () => {
    hydrator.hydrate = hydrate
    for (const one of detach) one()
  }
}
