import { configure, defaultStorage } from 'holdall'
import { type FieldFile, type FileValue, fileField, findOrphans, imageField, upload } from 'holdall/fields'
import { fileColumn, typeormFiles } from 'holdall/typeorm'
import { DataSource, EntitySchema } from 'typeorm'

configure({ STORAGES: { default: { BACKEND: 'memory' } } })

interface Resume {
  id: number
  title: string
  get pdf(): FieldFile
  set pdf(value: FileValue)
  get photo(): FieldFile
  set photo(value: FileValue)
  photoWidth: number | null
  photoHeight: number | null
}
const Resume = new EntitySchema<Resume>({
  name: 'resume',
  columns: {
    id: { type: Number, primary: true, generated: true },
    title: { type: String },
    pdf: fileColumn(fileField({ uploadTo: 'pdfs' })),
    photo: fileColumn(imageField({ uploadTo: 'photos', width: 'photoWidth', height: 'photoHeight' })),
    photoWidth: { type: Number, nullable: true },
    photoHeight: { type: Number, nullable: true },
  },
})

const dataSource = await new DataSource({ type: 'sqljs', synchronize: true, entities: [Resume] }).initialize()
const detach = typeormFiles(dataSource)
const resumes = dataSource.getRepository(Resume)
const pdfs = async () => (await defaultStorage.listdir('pdfs'))[1].sort().join(' ')

// Content is stored before the row is written.
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200"/>'
const ada = await resumes.save({ title: 'Ada', pdf: upload('first', 'cv.txt'), photo: upload(svg, 'ada.svg') })
console.log(JSON.stringify(ada))

// A replaced file goes after the commit, if no other row names it.
ada.pdf = upload('second', 'cv2.txt')
await resumes.save(ada)
await ada.pdf.save('cv3.txt', 'third')
console.log(String(await ada.pdf.read()), '|', await pdfs())

// What is rolled back leaves rows and files as they were.
await dataSource
  .transaction(async manager => {
    await manager.getRepository(Resume).save({ title: 'Bob', pdf: upload('Bob', 'bob.txt') })
    await manager.remove(Resume, await manager.findOneByOrFail(Resume, { title: 'Ada' }))
    throw new Error('changed my mind')
  })
  .catch(async (error: Error) => console.log(error.message, '|', await pdfs()))

await resumes.save([
  { title: 'Bob', pdf: upload('Bob', 'bob.txt') },
  { title: 'Eve', pdf: ada.pdf },
])
await resumes.remove(ada)
console.log(await pdfs(), '|', (await resumes.findOneByOrFail({ pdf: ada.pdf })).title)

// A deletion by criteria reports no rows to Holdall: their files are found by a search, `holdall orphans` on the command line.
await resumes.delete({ title: 'Bob' })
for await (const { name } of findOrphans({ graceSecs: 0, delete: true })) console.log('orphan', name)
console.log(await pdfs())

detach()
await dataSource.destroy()
