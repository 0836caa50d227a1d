/** Compiled by `npm run types`, never run: each `@ts-expect-error` fails the build when its line becomes valid. */
import { model, Schema } from 'mongoose'
import {
  type FieldFile,
  type FileValue,
  fileField,
  type ImageFieldFile,
  imageField,
  upload,
} from '../../src/fields/index.ts'
import { detachFiles, fileType, mongooseFiles } from '../../src/orm/mongoose/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function assertType<T extends true>(): T | undefined {
  return undefined
}

/** `Schema.create` has types of its own for what is written: content too. */
const schema = Schema.create({
  title: { type: String, required: true },
  pdf: fileType(fileField({ uploadTo: 'pdfs' }), { index: true }),
  photo: fileType(imageField({ uploadTo: 'photos' })),
})
schema.plugin(mongooseFiles())
const Resume = model('Resume', schema)

export async function writing(bytes: Buffer, file: File, stream: NodeJS.ReadableStream): Promise<void> {
  const resume = await Resume.create({ title: 'a', pdf: bytes })
  assertType<Equal<typeof resume.pdf, FieldFile>>()
  await Resume.create([{ title: 'a', pdf: upload(bytes, 'cv.pdf') }, { title: 'b', pdf: file }, { title: 'c' }])
  await Resume.insertMany([
    { title: 'a', pdf: stream },
    { title: 'b', pdf: null },
  ])
  await Resume.updateOne({ title: 'a' }, { pdf: bytes })
  await Resume.findByIdAndUpdate('1', { $set: { pdf: resume.pdf } })
  // Mongoose has one type for reading and assigning: `set` takes content.
  resume.set({ pdf: bytes })
  resume.set('pdf', file)
  // @ts-expect-error content cannot be assigned
  resume.pdf = bytes
  await resume.pdf.save('cv.pdf', bytes)
}

export async function reading(): Promise<void> {
  const found = await Resume.findOne({ pdf: 'pdfs/cv.pdf' }).orFail()
  assertType<Equal<typeof found.pdf, FieldFile>>()
  await Resume.find({ pdf: found.pdf })
  assertType<Equal<typeof found.photo, ImageFieldFile>>()
  const width: number | undefined = await found.photo.width()
  // @ts-expect-error a file that is no picture has no width
  await found.pdf.width()
  console.log(width)
  const lean = await Resume.findOne().lean().orFail()
  assertType<Equal<typeof lean.pdf, FileValue>>()
  // @ts-expect-error names are not files
  await lean.pdf.url()
  const hydrated = Resume.hydrate({ _id: '1', pdf: 'pdfs/cv.pdf' })
  assertType<Equal<typeof hydrated.pdf, FieldFile>>()
  detachFiles(Resume)
}

/** `new Schema` has one type for both. */
const old = new Schema({ title: { type: String, required: true }, pdf: fileType(fileField()) })
const Old = model('Old', old)

export async function oldSchemas(bytes: Buffer): Promise<void> {
  const found = await Old.findOne().orFail()
  assertType<Equal<typeof found.pdf, FieldFile>>()
  assertType<Equal<typeof found.title, string>>()
  const made = new Old({ title: 'a' })
  made.set({ pdf: bytes })
  // @ts-expect-error content cannot be given to `create` here
  await Old.create({ title: 'a', pdf: bytes })
}
