import { join } from 'node:path'
import { ormCrashes } from '../suite/crashes.ts'
import { openSequelize } from './ground.ts'

ormCrashes('Sequelize with SQLite', { child: join(import.meta.dirname, 'crash.child.ts'), open: openSequelize })
