import { statementTests } from './statements.ts'
import { World } from './world.ts'

statementTests('Sequelize with SQLite', async () => new World())
