import { ormConformance } from '../suite/conformance.ts'
import { openPrisma } from './ground.ts'

ormConformance('Prisma with SQLite', place => openPrisma(place))
