/** Compiled by `npm run types`, never run: each `@ts-expect-error` fails the build when its line becomes valid. */
import { defineEntity, EntitySchema, type InferEntity, p, wrap } from '@mikro-orm/core'
import type { EntityManager } from '@mikro-orm/sqlite'
import {
  type FieldFile,
  FileRegistry,
  fileField,
  type ImageFieldFile,
  imageField,
  upload,
  uploadPath,
} from '../../src/fields/index.ts'
import { type FileProperty, fileType, mikroFiles } from '../../src/orm/mikro-orm/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function assertType<T extends true>(): T | undefined {
  return undefined
}

class Resume {
  id!: number
  title!: string
  pdf!: FileProperty
  photo!: FileProperty<ImageFieldFile>
}

export const ResumeSchema = new EntitySchema<Resume>({
  class: Resume,
  properties: {
    id: { type: 'integer', primary: true },
    title: { type: 'string' },
    pdf: { type: fileType(fileField({ uploadTo: 'pdfs' })), nullable: true },
    photo: { type: fileType(imageField({ uploadTo: 'photos' })), nullable: true },
  },
})

export const LetterSchema = defineEntity({
  name: 'Letter',
  properties: {
    id: p.integer().primary(),
    title: p.string(),
    pdf: p.type(fileType(fileField({ uploadTo: 'pdfs', emptyValue: '' }))),
    photo: p.type(fileType(imageField({ uploadTo: 'photos' }))).nullable(),
  },
})
type Letter = InferEntity<typeof LetterSchema>

export async function read(em: EntityManager): Promise<void> {
  const resume = await em.findOneOrFail(Resume, { id: 1 })
  const pdf: FieldFile = resume.pdf
  const name: string | null = resume.pdf.name
  const width: number | undefined = await resume.photo.width()
  // @ts-expect-error a file that is no picture has no width
  await resume.pdf.width()
  const json = wrap(resume).toJSON()
  assertType<Equal<typeof json.pdf, string | null>>()
  console.log(pdf, name, width)
}

export async function find(em: EntityManager, file: FieldFile): Promise<void> {
  await em.find(Resume, { pdf: 'pdfs/cv.pdf' })
  await em.find(Resume, { pdf: file })
  await em.find(Resume, { pdf: null })
  await em.find(Resume, { pdf: { $in: ['a', 'b'] } })
  await em.find(Resume, { pdf: { $like: 'pdfs/%' } })
  // @ts-expect-error no number
  await em.find(Resume, { pdf: 3 })
}

export async function write(em: EntityManager, bytes: Buffer, file: FieldFile): Promise<void> {
  const resume = em.create(Resume, { title: 'CV', pdf: upload(bytes, 'cv.pdf') })
  em.create(Resume, { title: 'CV' })
  em.create(Resume, { title: 'CV', pdf: null, photo: uploadPath('/a.png') })
  em.create(Resume, { title: 'CV', pdf: new File([bytes], 'cv.pdf'), photo: bytes })
  em.create(Resume, { title: 'CV', pdf: file, photo: 'photos/a.png' })
  em.assign(resume, { pdf: bytes })
  em.assign(resume, { pdf: 'pdfs/a.pdf', photo: null })
  // @ts-expect-error a number is no file
  em.assign(resume, { pdf: 3 })
  // @ts-expect-error a number is no file
  em.create(Resume, { title: 'CV', pdf: 3 })
  resume.pdf = file
  await em.insert(Resume, { title: 'CV', pdf: bytes })
  await em.insertMany(Resume, [{ title: 'CV', pdf: bytes }])
  await em.nativeUpdate(Resume, { id: 1 }, { pdf: bytes })
  await em.upsert(Resume, { title: 'CV', pdf: bytes })
  await em.flush()
}

export async function letters(em: EntityManager, bytes: Buffer): Promise<void> {
  const letter = em.create(LetterSchema, { title: 'A', pdf: bytes })
  em.create(LetterSchema, { title: 'A' })
  em.assign(letter, { pdf: upload(bytes, 'a.pdf'), photo: null })
  const found: Letter = await em.findOneOrFail(LetterSchema, { pdf: 'a' })
  const pdf: FieldFile = found.pdf
  const photo: ImageFieldFile | null | undefined = found.photo
  // @ts-expect-error a number is no file
  em.create(LetterSchema, { title: 'A', pdf: 3 })
  console.log(pdf, photo)
}

export function attach(orm: Parameters<typeof mikroFiles>[0]): void {
  const detach: () => void = mikroFiles(orm, { registry: new FileRegistry() })
  detach()
}
