import { EntitySchema, MikroORM } from '@mikro-orm/sqlite'
import { configure, storages } from 'holdall'
import { fileField, findOrphans, type ImageFieldFile, imageField, upload } from 'holdall/fields'
import { type FileProperty, fileType, mikroFiles } from 'holdall/mikro-orm'

configure({ STORAGES: { default: { BACKEND: 'memory' } } })

class Resume {
  id!: number
  title!: string
  pdf!: FileProperty
  photo!: FileProperty<ImageFieldFile>
  photoWidth!: number | null
}

const ResumeSchema = new EntitySchema<Resume>({
  class: Resume,
  properties: {
    id: { type: 'integer', primary: true },
    title: { type: 'string' },
    pdf: { type: fileType(fileField({ uploadTo: 'pdfs' })), nullable: true },
    photo: { type: fileType(imageField({ uploadTo: 'photos/%Y', width: 'photoWidth' })), nullable: true },
    photoWidth: { type: 'integer', nullable: true },
  },
})

const orm = await MikroORM.init({ entities: [ResumeSchema], dbName: ':memory:' })
await orm.schema.create()
const detach = mikroFiles(orm) // once, before the first write

// The flush stores the content before it writes the row.
const em = orm.em.fork()
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200"/>'
const resume = em.create(Resume, { title: 'CV', pdf: upload('first', 'cv.pdf'), photo: upload(svg, 'me.svg') })
await em.flush()
console.log(resume.pdf.name, resume.photoWidth) // pdfs/cv.pdf 320

// Everywhere else it is read as a file. A condition takes a name or a file.
const found = await orm.em.fork().findOneOrFail(Resume, { pdf: 'pdfs/cv.pdf' })
console.log(String(await found.pdf.read()), JSON.stringify(found.pdf)) // first "pdfs/cv.pdf"

// A replaced file goes after the commit.
em.assign(resume, { pdf: upload('second', 'new.pdf') })
await em.flush()
console.log(resume.pdf.name, await storages.default.exists('pdfs/cv.pdf')) // pdfs/new.pdf false

// `save` and `delete` write the row, too.
await resume.pdf.save('third.pdf', 'third')
console.log(resume.pdf.name) // pdfs/third.pdf

// A rollback, also to a savepoint, removes what was stored in it, and keeps what was replaced.
await orm.em
  .fork()
  .transactional(async em => {
    const resume = await em.findOneOrFail(Resume, { title: 'CV' })
    em.assign(resume, { pdf: upload('fourth', 'fourth.pdf') })
    await em.flush()
    throw new Error('changed my mind')
  })
  .catch((error: Error) => console.log(error.message)) // changed my mind
console.log(await storages.default.exists('pdfs/third.pdf'), await storages.default.exists('pdfs/fourth.pdf')) // true false

// Statements without entities send no events: their files are found by the search for orphans.
await orm.em.fork().nativeDelete(Resume, { title: 'CV' })
for await (const { name } of findOrphans({ graceSecs: 0, delete: true })) console.log('removed', name)

detach()
await orm.close()
