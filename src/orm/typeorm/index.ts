import { AsyncLocalStorage } from 'node:async_hooks'
import type { DataSource, EntityMetadata, EntitySubscriberInterface, QueryRunner } from 'typeorm'
import { ImproperlyConfigured } from '../../core/errors.ts'
import { type FileRegistry, FileTransaction, fileRegistry } from '../../fields/index.ts'
import { EntityFiles } from './entity.ts'

export { type FileColumn, fileColumn } from './column.ts'
export type { WithFiles } from './values.ts'

/** A transaction or savepoint of a query runner. */
interface Level {
  readonly files: FileTransaction
  /** Rows that are being written: a write that does not end has failed. */
  readonly rows: Map<object, FileTransaction>
  /** Resolves with the last upload. */
  last: Promise<unknown>
}

/** `databaseEntity` is missing for an insert, and for writes by criteria: their rows are unknown. */
type RowEvent = { readonly metadata: EntityMetadata; readonly queryRunner: QueryRunner } & Readonly<
  Partial<Record<'entity' | 'databaseEntity', object | undefined>>
>

/** Keeps files and rows together. TypeORM awaits these methods, and calls those of transactions for savepoints, too. */
class FileSubscriber implements EntitySubscriberInterface {
  readonly entities = new Map<EntityMetadata, EntityFiles>()
  readonly #registry: FileRegistry
  readonly #levels = new WeakMap<QueryRunner, Level[]>()
  readonly #top = (runner: QueryRunner) => this.#levels.get(runner)?.at(-1)
  /** The runner whose transaction has just ended: it can be queried for used files, and no other connection may be free. */
  readonly #ended = new AsyncLocalStorage<QueryRunner>()

  constructor({ entityMetadatas }: DataSource, registry: FileRegistry) {
    const filesOf = (runner: QueryRunner) => (runner.isReleased ? undefined : this.#top(runner)?.files)
    const all = entityMetadatas.map(metadata => new EntityFiles(metadata, registry, filesOf))
    for (const entity of all) if (entity.attributes.length > 0) this.entities.set(entity.metadata, entity)
    this.#registry = registry
  }

  afterTransactionStart({ queryRunner }: { readonly queryRunner: QueryRunner }): void {
    const files = this.#top(queryRunner)?.files.savepoint() ?? new FileTransaction(this.#registry)
    const level = { files, rows: new Map(), last: Promise.resolve() }
    this.#levels.set(queryRunner, [...(this.#levels.get(queryRunner) ?? []), level])
  }

  /** PostgreSQL answers a commit after a failed statement with a rollback. */
  readonly afterQuery = ({ success, queryRunner }: { success: boolean; queryRunner: QueryRunner }) =>
    void (success || this.#top(queryRunner)?.files.doubt())
  readonly afterTransactionCommit = (event: { queryRunner: QueryRunner }) => this.#end(event.queryRunner, 'commit')
  readonly afterTransactionRollback = (event: { queryRunner: QueryRunner }) => this.#end(event.queryRunner, 'rollback')
  readonly beforeUpdate = (event: RowEvent) => event.databaseEntity && this.beforeInsert(event)
  readonly afterUpdate = (event: RowEvent) => this.afterInsert(event)

  afterLoad(row: object, { metadata, queryRunner } = {} as RowEvent): void {
    this.entities.get(metadata)?.own(row, queryRunner)
  }

  /** TypeORM begins the uploads of all rows at once: here they wait for each other. */
  async beforeInsert({ entity: row, databaseEntity, metadata, queryRunner }: RowEvent): Promise<void> {
    const [entity, level] = [this.entities.get(metadata), this.#top(queryRunner)]
    if (!entity || !level || !row) return
    const work = level.last.then(async () => {
      // Files that a failed write of this row has stored in this transaction are removed, and the row has its content again.
      await level.rows.get(row)?.rollback()
      const files = level.files.savepoint()
      level.rows.set(row, files)
      await entity.storeRow(row, databaseEntity, files)
    })
    level.last = work.catch(() => undefined)
    await work
  }

  async beforeRemove({ databaseEntity: row, metadata, queryRunner }: RowEvent): Promise<void> {
    const [entity, level] = [this.entities.get(metadata), this.#top(queryRunner)]
    if (entity && level && row) await entity.release(entity.valuesOf(row), undefined, level.files)
  }

  async afterInsert(event: RowEvent): Promise<void> {
    const files = event.entity && this.#top(event.queryRunner)?.rows.get(event.entity)
    await files?.commit()
    if (files) this.afterLoad(event.entity!, event)
  }

  async used(entity: EntityFiles, path: string, names: readonly string[], dataSource: DataSource): Promise<unknown[]> {
    const ended = this.#ended.getStore()
    const runner = ended ?? dataSource.createQueryRunner()
    try {
      // On SQLite, which has one connection, another transaction may be in progress: rows that it has deleted can come back.
      return runner.isTransactionActive ? [...names] : await entity.used(path, names, runner)
    } finally {
      if (ended === undefined) await runner.release()
    }
  }

  async #end(runner: QueryRunner, how: 'commit' | 'rollback'): Promise<void> {
    const level = this.#levels.get(runner)?.pop()
    await level?.last
    for (const files of level?.rows.values() ?? []) await files.rollback()
    await this.#ended.run(runner, () => level?.files[how]())
  }
}

/**
 * Attaches the files of all columns by `fileColumn` to a data source: content is stored before its row is written, and files are deleted
 * after the commit of the change that leaves them without a row. Returns a function that detaches them. Before `initialize()` it is
 * `improperly_configured`.
 * @example
 * typeormFiles(await dataSource.initialize())
 * await dataSource.getRepository(Resume).save({ title: 'CV', pdf: upload(buffer, 'cv.pdf') })
 */
export function typeormFiles(dataSource: DataSource, options: { readonly registry?: FileRegistry } = {}): () => void {
  if (!dataSource.isInitialized) throw new ImproperlyConfigured('Call typeormFiles after initialize().')
  const subscriber = new FileSubscriber(dataSource, options.registry ?? fileRegistry)
  const removers = [...subscriber.entities.values()].map(entity =>
    entity.addUsers((path, names) => subscriber.used(entity, path, names, dataSource)),
  )
  dataSource.subscribers.push(subscriber)
  removers.push(() => void dataSource.subscribers.splice(dataSource.subscribers.indexOf(subscriber), 1))
  return () => void removers.splice(0).map(remove => remove())
}
