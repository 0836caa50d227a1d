import { join } from 'node:path'
import { ormCrashes } from '../suite/crashes.ts'
import { openPrisma } from './ground.ts'

const plan = { child: join(import.meta.dirname, 'crash.child.ts'), open: openPrisma }
ormCrashes('Prisma with SQLite', plan)
