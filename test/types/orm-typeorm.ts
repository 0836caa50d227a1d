/** Compiled by `npm run types`, never run: columns of `holdall/typeorm`. */
import { type DataSource, EntitySchema } from 'typeorm'
import { type FieldFile, type FileValue, fileField, imageField, upload } from '../../src/fields/index.ts'
import { fileColumn, typeormFiles, type WithFiles } from '../../src/orm/typeorm/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function assertType<T extends true>(): T | undefined {
  return undefined
}

/** Of an `EntitySchema`: reads and writes have their own types. */
interface Resume {
  id: number
  title: string
  get pdf(): FieldFile
  set pdf(value: FileValue)
}

const pdf = fileColumn(fileField<Resume>({ uploadTo: (row, filename) => `${row.title}/${filename}` }))
const resumes = new EntitySchema<Resume>({
  name: 'resume',
  columns: { id: { type: Number, primary: true, generated: true }, title: { type: String }, pdf },
})

/** As a class with decorators has it. */
class Person {
  id!: number
  papers!: { pdf: FieldFile }[]
  photo!: FieldFile
}

export async function entities(dataSource: DataSource): Promise<void> {
  const repo = dataSource.getRepository(resumes)
  const resume = repo.create({ title: 'CV', pdf: Buffer.from('content') })
  assertType<Equal<typeof resume, Resume>>()
  assertType<Equal<typeof resume.pdf, FieldFile>>()
  resume.pdf = upload(Buffer.from('content'), 'cv.pdf')
  resume.pdf = 'pdfs/cv.pdf'
  resume.pdf = null
  // @ts-expect-error a number is no file
  resume.pdf = 7
  await repo.save(resume)
  const saved = await repo.save({ title: 'CV', pdf: new File([], 'cv.pdf') })
  assertType<Equal<typeof saved.pdf, FieldFile>>()
  const many = await repo.save([{ title: 'CV', pdf: new URL('file:///cv.pdf') }])
  assertType<Equal<typeof many, Resume[]>>()
  // @ts-expect-error a title is a text
  await repo.save({ title: 7, pdf: Buffer.from('content') })
  const found = await repo.findOneByOrFail({ id: 1 })
  assertType<Equal<typeof found.pdf, FieldFile>>()
  await found.pdf.save('cv.pdf', Buffer.from('content'))
}

export async function classes(dataSource: DataSource): Promise<void> {
  const repo = dataSource.getRepository(Person)
  const person = repo.create({ photo: Buffer.from('content'), papers: [{ pdf: upload('content', 'a.txt') }] })
  repo.merge(person, { photo: upload('content', 'b.txt') })
  person.photo.assign(upload('content', 'b.txt'))
  const values: WithFiles<Person> = { photo: null }
  await dataSource.getRepository(Person).save(values)
  // @ts-expect-error a property of a class with decorators has one type: use create, merge or assign
  person.photo = Buffer.from('content')
}

export function columns(dataSource: DataSource): void {
  assertType<Equal<typeof pdf.length, number>>()
  fileColumn(imageField({ width: 'photoWidth' }))
  // @ts-expect-error a field, not its options
  fileColumn({ uploadTo: 'pdfs' })
  const detach = typeormFiles(dataSource)
  detach()
  // @ts-expect-error a registry, not a name
  typeormFiles(dataSource, { registry: 'files' })
}
