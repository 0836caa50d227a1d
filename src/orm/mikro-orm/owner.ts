import { type EntityManager, helper, TransactionContext } from '@mikro-orm/core'
import type { CallOptions } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import { FieldFile, type FileTransaction, type Owner } from '../../fields/index.ts'
import type { Entity } from './entity-files.ts'
import type { Transactions } from './transactions.ts'

/** What the owners of one ORM share. */
interface OwnerContext {
  readonly transactions: Transactions
  /** The entity manager that made an entity which is not in the database yet. */
  makerOf(entity: object): EntityManager | undefined
}

/** The row of an entity, for `FieldFile.save` and `FieldFile.delete`. */
export class EntityOwner implements Owner {
  readonly row: object
  readonly #context: OwnerContext

  constructor(context: OwnerContext, row: object) {
    this.#context = context
    this.row = row
  }

  /**
   * Writes the columns of the file alone. An entity that is new, or has a version, is flushed instead, with all that its entity manager has to
   * write. A row that is gone is `not_found`.
   */
  async persist(values: Readonly<Record<string, unknown>>, { signal }: CallOptions): Promise<void> {
    const state = helper(this.row)
    const { className, versionProperty } = state.__meta
    const em = this.#em()
    if (em === undefined) {
      throw new StorageError('unsupported', `The ${className} belongs to no entity manager: persist it first.`)
    }
    if (state.__originalEntityData === undefined || versionProperty !== undefined) {
      this.#set(values)
      await em.persist(this.row).flush()
      return
    }
    const key = state.getPrimaryKey(true)
    const schema = state.__schema
    const options = {
      filters: false,
      ...(schema === undefined ? {} : { schema }),
      ...(signal === undefined ? {} : { signal }),
    }
    if ((await em.nativeUpdate(state.__meta.class, key as never, values as never, options)) === 0) {
      throw new StorageError('not_found', `The ${className} with the key ${String(key)} is not in the database.`)
    }
    this.#set(values)
    Object.assign(state.__originalEntityData, values)
  }

  transaction(): FileTransaction | undefined {
    const transaction = this.#em()?.getTransactionContext() as object | undefined
    return transaction === undefined ? undefined : this.#context.transactions.of(transaction)
  }

  #set(values: Readonly<Record<string, unknown>>): void {
    const entity = this.row as Entity
    for (const [key, value] of Object.entries(values)) {
      const now = entity[key]
      if (!(now instanceof FieldFile && now.committed && now.equals(value))) entity[key] = value
    }
  }

  /** The entity manager whose transaction the calling code runs in, if it knows the entity, or else that of the entity. */
  #em(): EntityManager | undefined {
    const own = (helper(this.row).__em as EntityManager | undefined) ?? this.#context.makerOf(this.row)
    const running = own === undefined ? undefined : TransactionContext.getEntityManager(own.name)
    const isKnown = running?.getUnitOfWork(false).getIdentityMap().getByEntity(this.row) === this.row
    return isKnown ? running : own
  }
}
