/** Compiled by `npm run types`, never run: each `@ts-expect-error` fails the build when its line becomes valid. */
import type { Generated, Kysely } from 'kysely'
import { type FieldFile, fileField, type ImageFieldFile, imageField, upload } from '../../src/fields/index.ts'
import { type FileColumn, kyselyFiles } from '../../src/orm/kysely/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function assertType<T extends true>(): T | undefined {
  return undefined
}

interface Tables {
  resumes: { id: Generated<number>; title: string; pdf: FileColumn; photo: FileColumn<ImageFieldFile> }
  notes: { text: string }
}

export async function rows(database: Kysely<Tables>): Promise<void> {
  const files = kyselyFiles(
    database,
    { resumes: { pdf: fileField(), photo: imageField() } },
    { keys: { resumes: 'id' } },
  )
  // @ts-expect-error no such column
  kyselyFiles(database, { resumes: { name: fileField() } })
  // @ts-expect-error no such table
  kyselyFiles(database, { others: { pdf: fileField() } })

  const [row] = await files.insert('resumes', { title: 'a', pdf: Buffer.alloc(1) })
  assertType<Equal<typeof row, { id: number; title: string; pdf: FieldFile; photo: ImageFieldFile } | undefined>>()
  await files.insert('resumes', [
    { title: 'a', pdf: upload('x', 'a.txt'), photo: 'photos/a.png' },
    { title: 'b', pdf: null },
  ])
  // @ts-expect-error a title is no number
  await files.insert('resumes', { title: 1 })
  // @ts-expect-error content is for file columns
  await files.insert('resumes', { title: new Blob([]) })
  // @ts-expect-error the title is missing
  await files.insert('resumes', { pdf: null })
  // @ts-expect-error no such column
  await files.update('resumes', { name: 'x' }, {})
  // @ts-expect-error all rows are said by {}
  await files.update('resumes', { title: 'x' })
  const count: number = await files.update('resumes', { pdf: new File([], 'x') }, { id: 1 })
  await files.delete('resumes', eb => eb('id', '>', count))
  // @ts-expect-error no such column
  await files.delete('resumes', { name: 'x' })

  const found = await files.db.selectFrom('resumes').select(['id', 'pdf']).executeTakeFirstOrThrow()
  assertType<Equal<(typeof found)['pdf'], FieldFile>>()
  const cached = files.attach('resumes', JSON.parse('{}') as { id: number; pdf: string; more: Date })
  assertType<Equal<(typeof cached)['pdf'], FieldFile>>()
  assertType<Equal<(typeof cached)['more'], Date>>()
  const result = await files.transaction(async tx => {
    await tx.transaction(inner => inner.delete('resumes', {}))
    return tx.db.selectFrom('resumes').select('photo').executeTakeFirstOrThrow()
  })
  assertType<Equal<(typeof result)['photo'], ImageFieldFile>>()
}
