import { ormConformance } from '../suite/conformance.ts'
import { sqliteOptions, startSequelize } from './ground.ts'

ormConformance('Sequelize with SQLite', async place => {
  const { options, remove } = await sqliteOptions()
  return startSequelize(place, 'sqlite', options, remove)
})
