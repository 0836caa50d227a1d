import { DataSource, EntitySchema } from 'typeorm'
import { type FieldFile, FileRegistry, fileField } from '../../src/fields/index.ts'
import { MemoryStorage } from '../../src/index.ts'
import { fileColumn, typeormFiles } from '../../src/orm/typeorm/index.ts'
import { type Found, ROWS, rowOf } from './found.ts'

/** TypeORM on sql.js. */
export async function start(): Promise<Found> {
  const columns = { id: { type: Number, primary: true }, title: { type: String } } as const
  const withFile = new EntitySchema<{ id: number; title: string; pdf: FieldFile }>({
    name: 'with_file',
    columns: { ...columns, pdf: fileColumn(fileField({ storage: new MemoryStorage(), uploadTo: 'pdfs' })) },
  })
  const withText = new EntitySchema<{ id: number; title: string; pdf: string }>({
    name: 'with_text',
    columns: { ...columns, pdf: { type: 'varchar', length: 100, nullable: true } },
  })
  const dataSource = new DataSource({ type: 'sqljs', synchronize: true, entities: [withFile, withText] })
  await dataSource.initialize()
  const text = dataSource.getRepository(withText)
  for (let n = 1; n <= ROWS; n += 250) await text.insert(Array.from({ length: 250 }, (_, at) => rowOf(n + at)))
  await dataSource.query('INSERT INTO with_file SELECT * FROM with_text')
  const detach = typeormFiles(dataSource, { registry: new FileRegistry() })
  return {
    withFiles: () => dataSource.getRepository(withFile).find(),
    withText: () => text.find(),
    close: async () => {
      detach()
      await dataSource.destroy()
    },
  }
}
