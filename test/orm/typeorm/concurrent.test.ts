import { DataSource, EntitySchema } from 'typeorm'
import { expect, it } from 'vitest'
import { type FieldFile, FileRegistry, fileField, findOrphans, upload } from '../../../src/fields/index.ts'
import { MemoryStorage } from '../../../src/index.ts'
import { fileColumn, typeormFiles } from '../../../src/orm/typeorm/index.ts'

interface Note {
  id: number
  title: string
  pdf: FieldFile
}

/** TypeORM lets concurrent calls on SQLite share a transaction, so that the failure of one takes rows of others with it. */
it.each([1, 2, 3, 4])(
  'concurrent writes on the one connection of SQLite leave no row without its file (seed %i)',
  async seed => {
    const storage = new MemoryStorage({ nameStrategy: 'underscore' })
    const notes = new EntitySchema<Note>({
      name: 'note',
      columns: {
        id: { type: Number, primary: true, generated: true },
        title: { type: String, unique: true },
        pdf: fileColumn(fileField({ storage, uploadTo: 'pdfs' })),
      },
    })
    const db = await new DataSource({ type: 'sqljs', synchronize: true, entities: [notes] }).initialize()
    const registry = new FileRegistry()
    typeormFiles(db, { registry })
    await db.getRepository(notes).save({ title: 'taken', pdf: upload('taken', 'taken.txt') })
    let state = seed
    const below = (count: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((state / 2_147_483_648) * count)
    }
    const repository = db.getRepository(notes)
    const write = async (n: number): Promise<void> => {
      const title = below(6) === 0 ? 'taken' : `${n}.${below(1000)}`
      const pdf = upload(title, `f${below(6)}.txt`)
      const [note] = await repository.find({ skip: below(5), take: 1, order: { id: 'DESC' } })
      const choice = note === undefined || note.title === 'taken' ? 0 : below(6)
      if (choice < 2) await repository.save({ title, pdf })
      else if (choice === 2) await repository.remove(note!)
      else if (choice === 3) await note!.pdf.save('own.txt', title)
      else await repository.save(repository.merge(note!, { title, pdf }))
    }
    let failed = 0
    const lane = async (lane: number): Promise<void> => {
      for (let n = 0; n < 25; n++) {
        await write(lane).catch(() => (failed += 1))
      }
    }
    await Promise.all([1, 2, 3, 4, 5, 6].map(lane))
    expect(failed).toBeGreaterThan(10)
    const rows = await repository.find()
    const missing = []
    for (const { pdf } of rows) if (pdf.name !== null && !(await storage.exists(pdf.name))) missing.push(pdf.name)
    expect(missing).toEqual([])
    // What is left over is found.
    const orphans: string[] = []
    for await (const { name } of findOrphans({ registry, graceSecs: 0, delete: true })) orphans.push(name)
    expect(orphans.filter(name => rows.some(({ pdf }) => pdf.name === name))).toEqual([])
    const left: string[] = []
    for await (const { name } of storage.entries('pdfs')) left.push(name)
    expect(left.length).toBe(new Set(rows.flatMap(({ pdf }) => pdf.name ?? [])).size)
    await db.destroy()
  },
)
