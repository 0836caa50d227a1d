import type { EntityManager, MikroORM } from '@mikro-orm/core'
import { type FileRegistry, FileTransaction } from '../../fields/index.ts'
import { type EntityFiles, entityFiles } from './entity-files.ts'
import { EntityOwner } from './owner.ts'
import { Transactions } from './transactions.ts'

/** What the parts of the adapter share for one ORM. */
export class OrmFiles {
  readonly registry: FileRegistry
  readonly transactions: Transactions
  readonly entities: ReadonlyMap<unknown, EntityFiles>
  readonly #makers = new WeakMap<object, EntityManager>()
  isAttached = true

  constructor(orm: MikroORM, registry: FileRegistry) {
    this.registry = registry
    this.transactions = new Transactions(registry)
    this.entities = entityFiles(orm.getMetadata().getAll().values(), registry)
  }

  /** The file properties of an entity class. */
  filesOf(entityClass: unknown): EntityFiles | undefined {
    return this.isAttached ? this.entities.get(entityClass) : undefined
  }

  /** The owner of an entity's files. */
  ownerOf(entity: object): EntityOwner {
    return new EntityOwner(this, entity)
  }

  /** Notes which entity manager has made an entity. */
  made(entity: object, em: EntityManager): void {
    if (this.filesOf(entity.constructor) !== undefined) this.#makers.set(entity, em)
  }

  /** The entity manager that made an entity which is not in the database yet. */
  makerOf(entity: object): EntityManager | undefined {
    return this.#makers.get(entity)
  }

  /** The files of a write: of a savepoint where a transaction of the database runs. */
  begin(em: EntityManager, ctx?: unknown): FileTransaction {
    const transaction = (ctx ?? em.getTransactionContext()) as object | undefined
    if (transaction === undefined) return new FileTransaction(this.registry)
    return this.transactions.of(transaction).savepoint()
  }
}
