import { type EntityManager, helper, Utils } from '@mikro-orm/core'
import type { OrmFiles } from './context.ts'
import type { Flushes } from './flushes.ts'
import type { StatementOptions, Statements } from './statements.ts'

/** A row, or the name of an entity class. */
type Row = Record<string, unknown>

/** The methods of an entity manager that write rows, without their types. */
interface Writing extends Pick<EntityManager, 'getContext' | 'getUnitOfWork' | 'config'> {
  flush(): Promise<void>
  create(name: unknown, data: unknown, options?: unknown): object
  persist(entity: unknown): this
  insert(name: unknown, data?: unknown, options?: StatementOptions): Promise<unknown>
  insertMany(name: unknown, data?: unknown, options?: StatementOptions): Promise<unknown>
  nativeUpdate(name: unknown, where: unknown, data: Row, options?: StatementOptions): Promise<number>
  nativeDelete(name: unknown, where: unknown, options?: StatementOptions): Promise<number>
  upsert(name: unknown, data?: unknown, options?: StatementOptions): Promise<object>
  upsertMany(name: unknown, data?: unknown, options?: StatementOptions): Promise<object[]>
}

type EntityManagerClass = new (...args: never[]) => EntityManager
type WritingClass = new (...args: never[]) => Writing

/**
 * The class of an ORM's entity managers with files: forks are of the same class as their origin, so that all of them have it. Each method is
 * that of the ORM, with content stored before, and the files of the rows that it changes released after.
 */
export function withFiles(
  base: EntityManagerClass,
  context: OrmFiles,
  flushes: Flushes,
  statements: Statements,
): EntityManagerClass {
  const Base = base as unknown as WritingClass
  class FilesEntityManager extends Base {
    override async flush(): Promise<void> {
      await flushes.flush(manager(this.getContext()), () => super.flush())
    }

    override create(name: unknown, data: unknown, options?: unknown): object {
      const entity = super.create(name, data, options)
      context.made(entity, manager(this.getContext()))
      return entity
    }

    override persist(entity: unknown): this {
      const result = super.persist(entity)
      for (const one of Utils.asArray(entity as object | object[])) context.made(one, manager(this.getContext()))
      return result
    }

    override async insert(name: unknown, data?: unknown, options: StatementOptions = {}): Promise<unknown> {
      const [entity, row] = target(name, data)
      const em = this.getContext(false)
      return statements.run(manager(em), entity, [row], options, ([stored]) =>
        super.insert.call(em, entity, stored, options),
      )
    }

    override async insertMany(name: unknown, data?: unknown, options: StatementOptions = {}): Promise<unknown> {
      const [entity, rows] = targets(name, data)
      const em = this.getContext(false)
      return statements.run(manager(em), entity, rows, options, stored =>
        super.insertMany.call(em, entity, stored, options),
      )
    }

    override async nativeUpdate(
      name: unknown,
      where: unknown,
      data: Row,
      options: StatementOptions = {},
    ): Promise<number> {
      const em = this.getContext(false)
      const found = context.filesOf(name)
      if (found === undefined || found.present(data).length === 0) {
        return super.nativeUpdate.call(em, name, where, data, options)
      }
      return statements.run(manager(em), name, [data], options, async ([stored], step) => {
        const count = await statements.change(manager(em), found, where, options, step, within =>
          super.nativeUpdate.call(within, name, where, stored!, options),
        )
        if (count === 0) await found.model.release(stored!, undefined, step.files)
        return count
      })
    }

    override async nativeDelete(name: unknown, where: unknown, options: StatementOptions = {}): Promise<number> {
      const em = this.getContext(false)
      const found = context.filesOf(name)
      if (found === undefined) return super.nativeDelete.call(em, name, where, options)
      return statements.run(manager(em), name, [], options, (_, step) =>
        statements.change(manager(em), found, where, options, step, within =>
          super.nativeDelete.call(within, name, where, options),
        ),
      )
    }

    override async upsert(name: unknown, data?: unknown, options: StatementOptions = {}): Promise<object> {
      const [entity, row] = target(name, data)
      const em = this.getContext(false)
      const found = context.filesOf(entity)
      if (found === undefined || isManaged(em, row)) return super.upsert.call(em, name, data, options)
      const known = statements.assign(manager(em), found, row, options)
      if (known !== undefined) return known
      return statements.upsert(manager(em), found, [row], options, (within, [stored]) =>
        super.upsert.call(within, entity, stored, options),
      )
    }

    override async upsertMany(name: unknown, data?: unknown, options: StatementOptions = {}): Promise<object[]> {
      const [entity, rows] = targets(name, data)
      const em = this.getContext(false)
      const found = context.filesOf(entity)
      if (found === undefined || rows.some(row => isManaged(em, row))) {
        return super.upsertMany.call(em, name, data, options)
      }
      const known = rows.map(row => statements.assign(manager(em), found, row, options))
      const rest = rows.filter((_, at) => known[at] === undefined)
      const written =
        rest.length === 0
          ? []
          : await statements.upsert(manager(em), found, rest, options, (within, stored) =>
              super.upsertMany.call(within, entity, stored, options),
            )
      return known.map(one => one ?? written.shift()!)
    }
  }
  // The name of the class is part of the ORM's messages.
  Object.defineProperty(FilesEntityManager, 'name', { value: base.name })
  return FilesEntityManager as unknown as EntityManagerClass
}

function manager(em: unknown): EntityManager {
  return em as EntityManager
}

/** Methods take an entity, or its class and values. */
function target(name: unknown, data: unknown): [entity: unknown, row: Row] {
  return data === undefined ? [(name as object).constructor, name as Row] : [name, data as Row]
}

function targets(name: unknown, data: unknown): [entity: unknown, rows: Row[]] {
  const rows = (data ?? name) as Row[]
  return [data === undefined ? rows[0]?.constructor : name, rows]
}

/** Whether an upsert only notes the changes of an entity, for the next flush. */
function isManaged(em: Writing, row: object): boolean {
  if (!Utils.isEntity(row) || em.config.get('upsertManaged')) return false
  return helper(row).__managed && (helper(row).__em as unknown) === em
}
