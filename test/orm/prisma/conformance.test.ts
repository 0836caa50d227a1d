import { ormConformance } from '../suite/conformance.ts'
import { startPrisma } from './ground.ts'

ormConformance('Prisma with SQLite', place => startPrisma('sqlite', place))
