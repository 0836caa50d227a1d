import type {
  DeleteQueryBuilder,
  InsertQueryBuilder,
  ObjectLiteral,
  QueryRunner,
  SelectQueryBuilder,
  UpdateQueryBuilder,
  UpdateResult,
} from 'typeorm'
import type { EntityFiles } from './entity-files.ts'
import type { SourceFiles } from './source-files.ts'
import type { WriteFiles } from './write-files.ts'

type Row = ObjectLiteral
type WriteBuilder = InsertQueryBuilder<Row> | UpdateQueryBuilder<Row> | DeleteQueryBuilder<Row>
type Values = Record<string, unknown>

/** What is not public of a query builder. */
interface Internals {
  queryRunner: QueryRunner | undefined
}

/** Lets the statements that are made of this query builder bring their files along. */
export function hookBuilder(select: SelectQueryBuilder<Row>, files: SourceFiles): SelectQueryBuilder<Row> {
  for (const method of ['insert', 'update', 'delete'] as const) {
    const make = select[method].bind(select) as (...args: unknown[]) => WriteBuilder
    Object.assign(select, { [method]: (...args: unknown[]) => hookExecute(make(...args), files) })
  }
  return select
}

function hookExecute(builder: WriteBuilder, files: SourceFiles): WriteBuilder {
  const execute = builder.execute.bind(builder) as () => Promise<unknown>
  return Object.assign(builder, {
    execute: () => {
      const { callListeners, mainAlias } = builder.expressionMap
      const entity = callListeners && mainAlias?.hasMetadata ? files.entityFiles(mainAlias.metadata) : undefined
      return entity === undefined ? execute() : executeWithFiles(builder, execute, entity, files)
    },
  })
}

async function executeWithFiles(
  builder: WriteBuilder,
  execute: () => Promise<unknown>,
  entity: EntityFiles,
  files: SourceFiles,
): Promise<unknown> {
  const internals = builder as unknown as Internals
  const given = internals.queryRunner
  return files.write(given, async written => {
    // One connection for what is read before, and for the statement.
    const runner = given ?? files.dataSource.createQueryRunner()
    internals.queryRunner = runner
    try {
      await prepare(builder, entity, written)
      const result = await execute()
      // What no row has got is not needed.
      if (builder.expressionMap.queryType === 'update' && !((result as UpdateResult).affected ?? 0))
        written.isDoubtful = true
      return result
    } finally {
      internals.queryRunner = given
      if (given === undefined) await runner.release()
    }
  })
}

async function prepare(builder: WriteBuilder, entity: EntityFiles, written: WriteFiles): Promise<void> {
  const { expressionMap } = builder
  if (expressionMap.queryType === 'delete') {
    await entity.release(await oldRows(builder, entity.attributes), undefined, written)
  } else if (expressionMap.queryType === 'update') {
    const values = { ...(expressionMap.valuesSet as Row) }
    const attributes = entity.attributes.filter(attribute => entity.valueOf(values, attribute) !== undefined)
    if (attributes.length === 0) return
    await entity.store(values, undefined, written)
    expressionMap.valuesSet = values
    await entity.release(await oldRows(builder, attributes), values, written)
  } else if (expressionMap.onUpdate !== undefined || expressionMap.onIgnore) {
    written.isDoubtful = true
    await entity.release(await conflictingRows(builder, entity), undefined, written)
  }
}

/** The names in the rows that a statement is about, soft-deleted ones too. */
async function oldRows(builder: WriteBuilder, attributes: readonly string[]): Promise<Values[]> {
  const select = builder.clone().select([]).withDeleted() as SelectQueryBuilder<Row>
  return namesIn(select, attributes)
}

/** The names in the rows that an upsert may overwrite, as far as its conflict columns say. */
async function conflictingRows(builder: WriteBuilder, entity: EntityFiles): Promise<Values[]> {
  const { onUpdate, valuesSet } = builder.expressionMap
  const { metadata } = entity
  const names = [onUpdate?.conflict ?? []].flat()
  const columns = metadata.columns.filter(column => names.includes(column.databaseName))
  if (columns.length === 0) return []
  const found: Values[] = []
  for (const values of [valuesSet ?? []].flat() as Row[]) {
    const keys = columns.map(column => [column, column.getEntityValue(values) as unknown] as const)
    if (keys.some(([, value]) => value === undefined || value === null)) continue
    const where = {}
    for (const [column, value] of keys) column.setEntityValue(where, value)
    const { queryRunner } = builder as unknown as Internals
    const select = queryRunner!.manager.createQueryBuilder(metadata.target, 'old').withDeleted().where(where)
    found.push(...(await namesIn(select, entity.attributes)))
  }
  return found
}

async function namesIn(select: SelectQueryBuilder<Row>, attributes: readonly string[]): Promise<Values[]> {
  select.select([])
  for (const [index, attribute] of attributes.entries())
    select.addSelect(`${select.alias}.${attribute}`, `file_${index}`)
  const rows: readonly Row[] = await select.getRawMany()
  return rows.map(row => Object.fromEntries(attributes.map((attribute, index) => [attribute, row[`file_${index}`]])))
}
