import { EntitySchema, MikroORM } from '@mikro-orm/sqlite'
import { FileRegistry, fileField } from '../../src/fields/index.ts'
import { MemoryStorage } from '../../src/index.ts'
import { fileType, mikroFiles } from '../../src/orm/mikro-orm/index.ts'
import { type Found, ROWS, rowOf } from './found.ts'

class Resume {}
class Text {}

/** Entities of MikroORM on SQLite, by a new entity manager each time. */
export async function start(): Promise<Found> {
  const pdf = fileField({ storage: new MemoryStorage(), uploadTo: 'pdfs' })
  const schema = (of: typeof Resume, column: object): EntitySchema =>
    new EntitySchema({
      class: of,
      properties: { id: { type: 'integer', primary: true }, title: { type: 'string' }, pdf: column },
    } as never)
  const orm = await MikroORM.init({
    dbName: ':memory:',
    entities: [
      schema(Resume, { type: fileType(pdf), nullable: true }),
      schema(Text, { type: 'string', length: 100, nullable: true }),
    ],
  })
  await orm.schema.create()
  const detach = mikroFiles(orm, { registry: new FileRegistry() })
  const all = Array.from({ length: ROWS }, (_, at) => rowOf(at + 1))
  for (const entity of [Resume, Text]) {
    for (let at = 0; at < ROWS; at += 1000) {
      await orm.em.fork().insertMany(entity as never, all.slice(at, at + 1000) as never)
    }
  }
  return {
    withFiles: () => orm.em.fork().find(Resume as never, {}),
    withText: () => orm.em.fork().find(Text as never, {}),
    async close() {
      detach()
      await orm.close()
    },
  }
}
