/** Compiled by `npm run types`, never run: each `@ts-expect-error` fails the build when its line becomes valid. */
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type Sequelize,
} from 'sequelize'
import {
  FieldFile,
  type FileValue,
  fileField,
  type ImageFieldFile,
  imageField,
  upload,
} from '../../src/fields/index.ts'
import { type FileAttributes, fileAttribute, sequelizeFiles } from '../../src/orm/sequelize/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function assertType<T extends true>(): T | undefined {
  return undefined
}

/** With accessors: content can be assigned. */
class Resume extends Model<FileAttributes<InferAttributes<Resume>>, FileAttributes<InferCreationAttributes<Resume>>> {
  declare id: CreationOptional<number>
  declare title: string

  get pdf(): FieldFile {
    return this.get('pdf') as FieldFile
  }
  set pdf(value: FileValue) {
    this.set('pdf', value)
  }
  get photo(): ImageFieldFile {
    return this.get('photo') as ImageFieldFile
  }
  set photo(value: FileValue) {
    this.set('photo', value)
  }
}

/** Without accessors: read as a file, written by `set`, `update` and `create`. */
class Plain extends Model<FileAttributes<InferAttributes<Plain>>, FileAttributes<InferCreationAttributes<Plain>>> {
  declare id: CreationOptional<number>
  declare pdf: FieldFile
}

export async function attributes(sequelize: Sequelize): Promise<void> {
  Resume.init(
    {
      id: { type: DataTypes.INTEGER, autoIncrement: true, primaryKey: true },
      title: DataTypes.STRING,
      pdf: fileAttribute(fileField({ uploadTo: (row: Resume, name) => `${row.title}/${name}` }), { allowNull: false }),
      photo: fileAttribute(imageField({ uploadTo: 'photos' })),
    },
    { sequelize },
  )
  const detach = sequelizeFiles(sequelize)

  const resume = await Resume.create({ title: 'CV', pdf: Buffer.from('x') })
  await Resume.create({ title: 'CV', pdf: upload(Buffer.from('x'), 'cv.pdf'), photo: new File([], 'a.png') })
  await Resume.create({ title: 'CV', pdf: new URL('file:///cv.pdf'), photo: null })
  await Resume.create({ title: 'CV', pdf: 'pdfs/cv.pdf', photo: resume.photo })
  await Resume.create({ title: 'CV' })
  // @ts-expect-error an attribute that is no file is still needed
  await Resume.create({ pdf: null })
  // @ts-expect-error not content
  await Resume.create({ title: 'CV', pdf: 5 })
  // @ts-expect-error a promise is no content
  await Resume.create({ title: 'CV', pdf: Promise.resolve(Buffer.from('x')) })

  assertType<Equal<typeof resume.pdf, FieldFile>>()
  const width: number | undefined = await resume.photo.width()
  resume.pdf = Buffer.from('x')
  resume.pdf = 'pdfs/cv.pdf'
  resume.pdf = resume.photo
  // @ts-expect-error not content
  resume.pdf = { width }
  await resume.update({ pdf: new Blob([]) })
  await Resume.update({ pdf: upload('text', 'cv.txt') }, { where: { pdf: resume.pdf } })
  // @ts-expect-error not content
  await Resume.update({ pdf: 5 }, { where: { id: 1 } })
  await Resume.bulkCreate([{ title: 'a', pdf: Buffer.from('x') }])
  await Resume.upsert({ title: 'a', pdf: Buffer.from('x') })
  await Resume.findAll({ where: { pdf: 'pdfs/cv.pdf' } })

  const [plain] = await Plain.findOrCreate({ where: { id: 1 }, defaults: { pdf: Buffer.from('x') } })
  assertType<Equal<typeof plain.pdf, FieldFile>>()
  plain.set({ pdf: Buffer.from('x') })
  await plain.update({ pdf: null })
  await Plain.create({})
  await plain.pdf.save('cv.pdf', Buffer.from('x'))
  detach()
  if (!(resume.pdf instanceof FieldFile)) throw new Error()
}
