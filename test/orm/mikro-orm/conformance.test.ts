import { ormConformance } from '../suite/conformance.ts'
import { openMikro } from './ground.ts'

ormConformance('MikroORM with SQLite', place => openMikro(place, ':memory:'))
