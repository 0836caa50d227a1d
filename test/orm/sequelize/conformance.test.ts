import { ormConformance } from '../suite/conformance.ts'
import { databaseFolder, openSequelize } from './ground.ts'

ormConformance('Sequelize with SQLite', async place => {
  const { path, remove } = await databaseFolder()
  return openSequelize(place, path, remove)
})
