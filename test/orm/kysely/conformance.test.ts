import { ormConformance } from '../suite/conformance.ts'
import { openKysely } from './open.ts'

ormConformance('kysely, better-sqlite3', place => openKysely(place, ':memory:'))
