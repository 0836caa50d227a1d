import type { EntityMetadata, EntitySubscriberInterface, ObjectLiteral, QueryRunner } from 'typeorm'
import { checkParameters } from './column.ts'
import { type RowHome, RowOwner } from './row-owner.ts'
import type { SourceFiles } from './source-files.ts'

interface Event {
  readonly metadata: EntityMetadata
  readonly queryRunner: QueryRunner
}

/** Follows the statements of all query runners: it sees transactions begin and end, and refuses content in a parameter. */
export function statementSubscriber(files: SourceFiles): EntitySubscriberInterface {
  return {
    beforeQuery: ({ parameters }) => checkParameters(parameters),
    afterQuery({ queryRunner, query, success, rawResults }) {
      if (!success || !mayControl(query)) return
      const command = (rawResults as { readonly command?: unknown } | undefined)?.command
      return files.runnerFiles(queryRunner).follow(query, command)
    },
    afterTransactionStart: ({ queryRunner }) => files.runnerFiles(queryRunner).started(),
  }
}

/** Stores and releases the files of the entities that are saved and removed. */
export function entitySubscriber(files: SourceFiles, home: RowHome): EntitySubscriberInterface<ObjectLiteral> {
  const { entity } = home
  const { metadata } = entity
  const isOurs = (event: Event): boolean => event.metadata === metadata
  const settle = (row: ObjectLiteral, { queryRunner }: Event): void =>
    entity.settle(row, new RowOwner(home, row, queryRunner))
  return {
    listenTo: () => metadata.target,
    async beforeInsert(event) {
      const write = files.currentWrite()
      if (isOurs(event) && event.entity) await write?.upload(() => entity.store(event.entity, undefined, write))
    },
    async beforeUpdate(event) {
      const write = files.currentWrite()
      const { entity: row, databaseEntity } = event
      if (isOurs(event) && row && databaseEntity) await write?.upload(() => entity.store(row, databaseEntity, write))
    },
    async beforeRemove(event) {
      const write = files.currentWrite()
      if (!isOurs(event) || !event.databaseEntity || write === undefined) return
      await entity.release([entity.valuesOf(event.databaseEntity)], undefined, write)
    },
    afterInsert(event) {
      if (isOurs(event) && event.entity) settle(event.entity, event)
    },
    afterUpdate(event) {
      if (isOurs(event) && event.entity && event.databaseEntity) settle(event.entity, event)
    },
  }
}

/** Whether a statement may begin or end a transaction: cheaper than to look closely at each. */
function mayControl(statement: string): boolean {
  const first = statement.trimStart().slice(0, 3).toLowerCase()
  return CONTROL_WORDS.has(first)
}

const CONTROL_WORDS: ReadonlySet<string> = new Set(['beg', 'sta', 'com', 'end', 'rol', 'abo', 'sav', 'rel'])
