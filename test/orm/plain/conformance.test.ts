import { ormConformance } from '../suite/conformance.ts'
import { sqlite } from './databases.ts'
import { startPlain } from './ground.ts'

ormConformance('the core with SQLite', place => startPlain(sqlite(), place))
