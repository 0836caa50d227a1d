import { type EntityManager, LockMode, Utils } from '@mikro-orm/core'
import type { OrmFiles } from './context.ts'
import type { Entity, EntityFiles } from './entity-files.ts'
import { FlushStep } from './flush-step.ts'

/** Options of statements, as far as files are concerned. */
export interface StatementOptions {
  readonly ctx?: unknown
  readonly schema?: string | undefined
  readonly filters?: unknown
  readonly disableIdentityMap?: boolean | undefined
}

/** Statements that no flush makes: native ones and upserts. */
export class Statements {
  readonly #context: OrmFiles

  constructor(context: OrmFiles) {
    this.#context = context
  }

  /** Runs a statement with its rows, in which content was stored; rows that are entities get the names. */
  async run<T>(
    em: EntityManager,
    entityClass: unknown,
    rows: readonly Entity[],
    { ctx }: StatementOptions,
    work: (rows: Entity[], step: FlushStep) => Promise<T>,
  ): Promise<T> {
    const found = this.#context.filesOf(entityClass)
    if (found === undefined) return work([...rows], undefined as never)
    const step = new FlushStep(this.#context, em, this.#context.begin(em, ctx))
    return step.run(async () => {
      const stored: Entity[] = []
      for (const row of rows) {
        if (Utils.isEntity(row)) await step.store(found, row, found.present(row))
        stored.push(
          Utils.isEntity(row) ? row : await found.model.store(row, { files: step.files, signal: step.signal }),
        )
      }
      return work(stored, step)
    })
  }

  /** Runs a statement that changes or deletes rows, in a transaction in which the files of these rows were read before. */
  async change<T>(
    em: EntityManager,
    found: EntityFiles,
    where: unknown,
    options: StatementOptions,
    { files }: FlushStep,
    work: (em: EntityManager) => Promise<T>,
  ): Promise<T> {
    if (options.ctx === undefined && !em.isInTransaction()) {
      const run = (within: EntityManager): Promise<T> => this.#release(within, found, where, options, files, work)
      return em.transactional(within => run(within as EntityManager), { clear: true })
    }
    return this.#release(em, found, where, options, files, work)
  }

  async #release<T>(
    em: EntityManager,
    { meta, model }: EntityFiles,
    where: unknown,
    { ctx, schema, filters }: StatementOptions,
    files: FlushStep['files'],
    work: (em: EntityManager) => Promise<T>,
  ): Promise<T> {
    const isPlain = Utils.isPrimaryKey(where) || Object.keys(where as object).every(key => isColumn(meta, key))
    const rows = await em.find(meta.class, where as never, {
      fields: model.attributes as never,
      disableIdentityMap: true,
      flushMode: 'commit',
      connectionType: 'write',
      ...(schema === undefined ? {} : { schema }),
      ...(filters === undefined ? {} : { filters: filters as never }),
      ...(ctx === undefined ? {} : { ctx: ctx as never }),
      // A query with joins cannot lock rows in every database.
      ...(isPlain && em.isInTransaction() ? { lockMode: LockMode.PESSIMISTIC_WRITE } : {}),
    })
    for (const row of rows) await model.release(row, undefined, files)
    return work(em)
  }

  /** Runs an upsert; the database says afterwards which files its rows use, the old ones or the new ones. */
  async upsert<T>(
    em: EntityManager,
    found: EntityFiles,
    rows: readonly Entity[],
    options: StatementOptions,
    work: (em: EntityManager, rows: Entity[]) => Promise<T>,
  ): Promise<T> {
    return this.run(em, found.meta.class, rows, options, async (stored, step) => {
      const where = { $or: stored.flatMap(row => keysOf(found, row)) }
      const result = await this.change(em, found, where, { ...options, filters: false }, step, within =>
        work(within, stored),
      )
      for (const row of stored) await found.model.release(row, undefined, step.files)
      return result
    })
  }

  /** Assigns values to the entity that they belong to, where the entity manager knows it: an upsert leaves those to the next flush. */
  assign(em: EntityManager, { meta }: EntityFiles, row: Entity, options: StatementOptions): object | undefined {
    const { config } = em
    const isQuery = config.get('upsertManaged') || (options.disableIdentityMap ?? config.get('disableIdentityMap'))
    if (isQuery || Utils.isEntity(row)) return undefined
    const key = Utils.extractPK(row, meta)
    const entity = key ? em.getUnitOfWork(false).getById<object>(meta.class, key as never, options.schema) : undefined
    return entity === undefined ? undefined : em.assign(entity, row as never)
  }
}

function isColumn(meta: EntityFiles['meta'], key: string): boolean {
  const properties = meta.properties as Record<string, { readonly kind: string } | undefined>
  return key === '$or' || properties[key]?.kind === 'scalar'
}

/** A condition for each unique key of which the row has all values. */
function keysOf({ meta }: EntityFiles, row: Entity): Entity[] {
  const keys = [
    meta.primaryKeys,
    ...meta.uniqueProps.map(({ name }) => name),
    ...meta.uniques.map(one => one.properties),
  ]
  return keys.flatMap(key => {
    const names = Utils.asArray(key as string | string[])
    if (names.some(name => row[name] === undefined || row[name] === null)) return []
    return [Object.fromEntries(names.map(name => [name, row[name]]))]
  })
}
