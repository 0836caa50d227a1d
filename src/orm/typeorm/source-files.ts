import type { DataSource, EntityManager, EntityMetadata, EntitySubscriberInterface, QueryRunner } from 'typeorm'
import { ImproperlyConfigured } from '../../core/errors.ts'
import type { FileRegistry } from '../../fields/registry.ts'
import { FileTransaction } from '../../fields/transaction.ts'
import { hookBuilder } from './builders.ts'
import { EntityFiles } from './entity-files.ts'
import type { TypeormFiles } from './files.ts'
import { RowHome, RowOwner } from './row-owner.ts'
import { afterEnd, endedRunner, RunnerFiles } from './runner.ts'
import { entitySubscriber, statementSubscriber } from './subscribers.ts'
import { WriteFiles } from './write-files.ts'

/** Data sources that have their files attached. */
const attached = new WeakSet<DataSource>()

/** Attaches files to a data source: its hooks find each other here. */
export class SourceFiles implements TypeormFiles {
  readonly dataSource: DataSource
  readonly registry: FileRegistry
  readonly #entities = new Map<EntityMetadata, EntityFiles>()
  readonly #runners = new WeakMap<QueryRunner, RunnerFiles>()
  /** The query runner of a driver that has one connection for all. */
  readonly #shared: QueryRunner | undefined
  readonly #detachers: (() => void)[] = []

  constructor(dataSource: DataSource, registry: FileRegistry) {
    if (!dataSource.isInitialized)
      throw new ImproperlyConfigured('typeormFiles needs an initialized data source: call it after initialize().')
    if (attached.has(dataSource)) throw new ImproperlyConfigured('typeormFiles was called for this data source before.')
    this.dataSource = dataSource
    this.registry = registry
    for (const metadata of dataSource.entityMetadatas) {
      const entity = EntityFiles.of(metadata, registry)
      if (entity !== undefined) this.#entities.set(metadata, entity)
    }
    const { driver } = dataSource
    const runner = driver.createQueryRunner('master')
    this.#shared = runner === driver.createQueryRunner('master') ? runner : undefined
    this.#attach()
  }

  detach(): void {
    for (const detach of this.#detachers.splice(0)) detach()
  }

  transaction(manager: EntityManager): FileTransaction | undefined {
    return this.transactionOf(manager.queryRunner)
  }

  transactionOf(runner: QueryRunner | undefined): FileTransaction | undefined {
    const own = runner ?? this.#shared
    return own === undefined ? undefined : this.#runners.get(own)?.top
  }

  entityFiles(metadata: EntityMetadata): EntityFiles | undefined {
    return this.#entities.get(metadata)
  }

  /** The files of a query runner. */
  runnerFiles(runner: QueryRunner): RunnerFiles {
    let files = this.#runners.get(runner)
    if (files === undefined) {
      files = new RunnerFiles(runner, this.registry, runner === this.#shared)
      this.#runners.set(runner, files)
    }
    return files
  }

  /** The write that the calling code is part of. */
  currentWrite(): WriteFiles | undefined {
    const files = FileTransaction.current()
    return files instanceof WriteFiles && files.registry === this.registry ? files : undefined
  }

  /** Runs a write with its files, in the transaction of the query runner if one is open. */
  async write<T>(given: QueryRunner | undefined, work: (files: WriteFiles) => Promise<T>): Promise<T> {
    const runner = given ?? this.#shared
    const state = runner === undefined ? undefined : this.runnerFiles(runner)
    const { top: outer, ends } = state ?? {}
    const files = outer?.savepoint() ?? new WriteFiles(this.registry)
    state?.writes.add(files)
    let result: T
    try {
      result = await files.run(() => work(files))
    } catch (error) {
      await afterEnd(given, () => files.fail())
      throw error
    } finally {
      state?.writes.delete(files)
    }
    // On a connection that all share, the transaction of another write can have begun or ended meanwhile, with the statement or without it.
    const isSame = state?.top === outer && (state?.ends === ends || state?.endedAlone(files, ends))
    const isDoubtful = files.isDoubtful || (runner === this.#shared && !isSame)
    await afterEnd(given, () => (isDoubtful ? files.commitInDoubt(state?.top) : files.commit()))
    return result
  }

  async #used(entity: EntityFiles, attribute: string, names: readonly string[]): Promise<unknown[]> {
    if (this.#shared !== undefined) {
      const found = await entity.used(attribute, names, this.dataSource, this.#shared)
      // A row that an open transaction has deleted, or changed, comes back if it is rolled back.
      return [...found, ...this.runnerFiles(this.#shared).gone()]
    }
    const held = endedRunner()
    if (held !== undefined && held.manager.dataSource === this.dataSource) {
      try {
        return await entity.used(attribute, names, this.dataSource, held)
      } catch {
        // The connection may be lost.
      }
    }
    const runner = this.dataSource.createQueryRunner()
    try {
      return await entity.used(attribute, names, this.dataSource, runner)
    } finally {
      await runner.release()
    }
  }

  #attach(): void {
    const { dataSource } = this
    attached.add(dataSource)
    const subscribers: EntitySubscriberInterface[] = [statementSubscriber(this)]
    for (const entity of this.#entities.values()) {
      const home = new RowHome(this, entity)
      subscribers.push(entitySubscriber(this, home))
      this.#detachers.push(entity.ownFiles((row, runner) => new RowOwner(home, row, runner)))
      // The rows of a child in a single table are those of its parent.
      if (entity.metadata.tableType === 'entity-child') continue
      this.#detachers.push(entity.model.addUsers((attribute, names) => this.#used(entity, attribute, names)))
    }
    dataSource.subscribers.push(...subscribers)
    const createQueryBuilder = dataSource.createQueryBuilder.bind(dataSource) as (...args: unknown[]) => never
    const createEntityManager = dataSource.createEntityManager.bind(dataSource)
    this.#replace(dataSource, {
      createQueryBuilder: (...args: unknown[]) => hookBuilder(createQueryBuilder(...args), this),
      createEntityManager: (runner?: QueryRunner) => this.#hookManager(createEntityManager(runner)),
    })
    this.#hookManager(dataSource.manager)
    this.#detachers.push(() => {
      attached.delete(dataSource)
      for (const one of subscribers) dataSource.subscribers.splice(dataSource.subscribers.indexOf(one), 1)
    })
  }

  #hookManager(manager: EntityManager): EntityManager {
    const save = manager.save.bind(manager) as (...args: unknown[]) => Promise<unknown>
    const remove = manager.remove.bind(manager) as (...args: unknown[]) => Promise<unknown>
    const transaction = manager.transaction.bind(manager) as (...args: unknown[]) => Promise<unknown>
    const inFiles = (work: unknown) =>
      typeof work !== 'function'
        ? work
        : (own: EntityManager) => {
            const files = this.transaction(own)
            return files === undefined ? work(own) : files.run(() => work(own))
          }
    const hooks = {
      save: (...args: unknown[]) => this.write(manager.queryRunner, () => save(...args)),
      remove: (...args: unknown[]) => this.write(manager.queryRunner, () => remove(...args)),
      transaction: (...args: unknown[]) => transaction(...args.map(inFiles)),
    }
    if (manager === this.dataSource.manager) this.#replace(manager, hooks)
    else Object.assign(manager, hooks)
    return manager
  }

  #replace(target: object, methods: Readonly<Record<string, unknown>>): void {
    const own = Object.entries(methods).map(([name]) => [name, Object.getOwnPropertyDescriptor(target, name)] as const)
    Object.assign(target, methods)
    this.#detachers.push(() => {
      for (const [name, before] of own) {
        if (before === undefined) Reflect.deleteProperty(target, name)
        else Object.defineProperty(target, name, before)
      }
    })
  }
}
