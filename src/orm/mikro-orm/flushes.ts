import { AsyncLocalStorage } from 'node:async_hooks'
import type { EntityManager, EventArgs, EventSubscriber, FlushEventArgs, TransactionEventArgs } from '@mikro-orm/core'
import type { OrmFiles } from './context.ts'
import { FlushStep } from './flush-step.ts'

/** The flushes of an ORM with their files: runs each one, and hears of its events. */
export class Flushes implements EventSubscriber {
  readonly #context: OrmFiles
  readonly #steps = new AsyncLocalStorage<FlushStep>()
  /** One flush at a time in each entity manager, as MikroORM has it; each ends with its own files. */
  readonly #running = new Map<object, Promise<unknown>>()

  constructor(context: OrmFiles) {
    this.#context = context
  }

  /** Runs a flush: the files that it stores are removed if it fails, and those that are no longer needed go after the commit. */
  async flush(em: EntityManager, run: () => Promise<void>): Promise<void> {
    const uow = em.getUnitOfWork(false)
    const isInside = this.#steps.getStore() !== undefined && this.#running.has(uow)
    // A flush in a hook of another one is the ORM's to refuse.
    if (!this.#context.isAttached || this.#context.entities.size === 0 || isInside) return run()
    while (this.#running.has(uow)) await this.#running.get(uow)
    const step = new FlushStep(this.#context, em, this.#context.begin(em))
    const flushed = step.run(() => this.#steps.run(step, run))
    const ended = flushed.catch(() => undefined).then(() => this.#running.delete(uow))
    this.#running.set(uow, ended)
    await flushed.finally(() => ended)
  }

  /** Only for entities with files. */
  getSubscribedEntities(): never[] {
    return [...this.#context.entities.keys()] as never[]
  }

  async onFlush({ uow }: FlushEventArgs): Promise<void> {
    const step = this.#steps.getStore()
    if (step?.em.getUnitOfWork(false) === uow) await step.storeAll()
  }

  async beforeCreate({ entity }: EventArgs<object>): Promise<void> {
    await this.#steps.getStore()?.storeLate(entity)
  }

  async beforeUpdate({ entity, changeSet }: EventArgs<object>): Promise<void> {
    await this.#steps.getStore()?.storeLate(entity)
    await this.#steps.getStore()?.releaseOld(changeSet)
  }

  async beforeDelete({ changeSet }: EventArgs<object>): Promise<void> {
    await this.#steps.getStore()?.releaseOld(changeSet)
  }

  /** A transaction that a flush begins by itself has the files of the flush. */
  afterTransactionStart({ em, transaction }: TransactionEventArgs): void {
    if (!this.#context.isAttached || transaction === undefined) return
    const step = this.#steps.getStore()
    const isOwn = step?.em === em && !step.em.isInTransaction()
    this.#context.transactions.begun(transaction, isOwn ? step.files : undefined)
  }
}
