import { configure, defaultStorage } from 'holdall'
import { type FieldFile, fileField, findOrphans, type ImageFieldFile, imageField, upload } from 'holdall/fields'
import { type FileAttributes, fileAttribute, sequelizeFiles } from 'holdall/sequelize'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  Sequelize,
} from 'sequelize'

configure({ STORAGES: { default: { BACKEND: 'memory' } } })
const sequelize = new Sequelize(process.env.DATABASE_URL!, { logging: false })

class Resume extends Model<FileAttributes<InferAttributes<Resume>>, FileAttributes<InferCreationAttributes<Resume>>> {
  declare id: CreationOptional<number>
  declare title: string
  declare pdf: FieldFile
  declare photo: ImageFieldFile
  declare photoWidth: number | null
  declare photoHeight: number | null
}
Resume.init(
  {
    id: { type: DataTypes.INTEGER, autoIncrement: true, primaryKey: true },
    title: DataTypes.STRING,
    pdf: fileAttribute(fileField({ uploadTo: 'pdfs' }), { allowNull: false }),
    photo: fileAttribute(imageField({ uploadTo: 'photos', width: 'photoWidth', height: 'photoHeight' })),
    photoWidth: DataTypes.INTEGER,
    photoHeight: DataTypes.INTEGER,
  },
  { sequelize, tableName: 'resumes', timestamps: false },
)

const detach = sequelizeFiles(sequelize)
await sequelize.sync({ force: true })

// Content is stored before the row is written.
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200"/>'
const resume = await Resume.create({ title: 'Ada', pdf: upload('first', 'cv.txt'), photo: upload(svg, 'ada.svg') })
console.log(resume.pdf.name, await resume.pdf.size(), resume.photoWidth, resume.photoHeight)
console.log(JSON.stringify(resume))

// A replaced file goes, if no other row names it.
await resume.update({ pdf: upload('second', 'cv2.txt') })
await resume.pdf.save('cv3.txt', 'third')
console.log(resume.pdf.name, String(await resume.pdf.read()), (await defaultStorage.listdir('pdfs'))[1])

// What is rolled back leaves rows and files as they were.
await sequelize
  .transaction(async transaction => {
    await Resume.update({ pdf: upload('lost', 'lost.txt') }, { where: {}, transaction })
    await Resume.create({ title: 'Bob', pdf: upload('lost', 'bob.txt') }, { transaction })
    throw new Error('changed my mind')
  })
  .catch(async error => console.log(error.message, (await defaultStorage.listdir('pdfs'))[1]))

await Resume.bulkCreate(['Bob', 'Eve'].map(title => ({ title, pdf: upload(title, `${title}.txt`) })))
console.log(await Resume.count({ where: { pdf: resume.pdf } }), (await defaultStorage.listdir('pdfs'))[1])
await Resume.destroy({ where: { title: ['Bob', 'Eve'] } })
await resume.destroy()
console.log((await defaultStorage.listdir('pdfs'))[1])

// What Sequelize cannot see is found by a search: `holdall orphans` on the command line.
await defaultStorage.save('pdfs/forgotten.txt', 'no row names this')
for await (const orphan of findOrphans({ graceSecs: 0, delete: true })) console.log('orphan', orphan.name)

await Resume.drop()
detach()
await sequelize.close()
