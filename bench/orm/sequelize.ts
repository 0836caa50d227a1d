import { DataTypes, Sequelize } from 'sequelize'
import { FileRegistry, fileField } from '../../src/fields/index.ts'
import { MemoryStorage } from '../../src/index.ts'
import { fileAttribute, sequelizeFiles } from '../../src/orm/sequelize/index.ts'
import { sqlite3 } from '../../test/orm/sequelize/sqlite.ts'
import { type Found, ROWS, rowOf } from './found.ts'

/** Sequelize over node:sqlite in memory. */
export async function start(): Promise<Found> {
  const sequelize = new Sequelize({ dialect: 'sqlite', dialectModule: sqlite3, logging: false })
  const pdf = fileAttribute(fileField({ storage: new MemoryStorage(), uploadTo: 'pdfs' }))
  const options = { timestamps: false, tableName: 'resumes' }
  const WithFile = sequelize.define('WithFile', { title: DataTypes.STRING, pdf }, options)
  const WithText = sequelize.define('WithText', { title: DataTypes.STRING, pdf: DataTypes.STRING(100) }, options)
  const detach = sequelizeFiles(sequelize, { registry: new FileRegistry() })
  await WithText.sync()
  for (let n = 0; n < ROWS; n += 1000) {
    await WithText.bulkCreate(Array.from({ length: 1000 }, (_, i) => rowOf(n + i + 1)))
  }
  return {
    withFiles: () => WithFile.findAll(),
    withText: () => WithText.findAll(),
    async close() {
      detach()
      await sequelize.close()
    },
  }
}
