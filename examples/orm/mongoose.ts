import { configure, defaultStorage } from 'holdall'
import { fileField, findOrphans, imageField, upload } from 'holdall/fields'
import { detachFiles, fileType, mongooseFiles } from 'holdall/mongoose'
import mongoose, { Schema } from 'mongoose'

configure({ STORAGES: { default: { BACKEND: 'memory' } } })

const schema = Schema.create({
  title: { type: String, required: true },
  pdf: fileType(fileField({ uploadTo: 'pdfs' }), { index: true }),
  photo: fileType(imageField({ uploadTo: 'photos', width: 'photoWidth', height: 'photoHeight' }), { index: true }),
  photoWidth: Number,
  photoHeight: Number,
})
schema.plugin(mongooseFiles())
const Resume = mongoose.model('Resume', schema, 'holdall_example')

// Transactions need a replica set, one of a single member will do.
await mongoose.connect(process.env['MONGODB_URL'] ?? 'mongodb://127.0.0.1:27017/holdall?replicaSet=rs0')
await Resume.deleteMany({})
const pdfs = async () => (await defaultStorage.listdir('pdfs'))[1].sort().join(' ')

// Content is stored before the document is written.
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200"/>'
const ada = await Resume.create({ title: 'Ada', pdf: upload('first', 'cv.txt'), photo: upload(svg, 'ada.svg') })
console.log(ada.pdf.name, ada.photo.name, ada.photoWidth, ada.photoHeight)

// A replaced file goes after the write, if no other document names it.
await ada.set({ pdf: upload('second', 'cv2.txt') }).save()
await ada.pdf.save('cv3.txt', 'third')
console.log(String(await ada.pdf.read()), '|', await pdfs())

// What is rolled back leaves documents and files as they were.
await mongoose.connection
  .transaction(async session => {
    await Resume.create([{ title: 'Bob', pdf: upload('Bob', 'bob.txt') }], { session })
    await Resume.deleteOne({ title: 'Ada' }, { session })
    throw new Error('changed my mind')
  })
  .catch(async (error: Error) => console.log(error.message, '|', await pdfs()))

await Resume.insertMany([
  { title: 'Bob', pdf: upload('Bob', 'bob.txt') },
  { title: 'Eve', pdf: ada.pdf },
])
await ada.deleteOne()
console.log(await pdfs(), '|', (await Resume.findOne({ pdf: ada.pdf }))?.title)

// A document of `lean()` has names; `hydrate` makes files of them.
const lean = await Resume.findOne({ title: 'Bob' }).lean().orFail()
console.log(lean.pdf, '|', String(await Resume.hydrate(lean).pdf.read()))

// A bulk write is not seen: its files are found by a search, `holdall orphans` on the command line.
await Resume.bulkWrite([{ deleteOne: { filter: { title: 'Bob' } } }])
for await (const { name } of findOrphans({ graceSecs: 0, delete: true })) console.log('orphan', name)
console.log(await pdfs())

await Resume.deleteMany({})
detachFiles(Resume)
await mongoose.disconnect()
