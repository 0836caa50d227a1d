import { join } from 'node:path'
import { ormCrashes } from '../suite/crashes.ts'
import { openKysely } from './open.ts'

ormCrashes('kysely, better-sqlite3', { child: join(import.meta.dirname, 'crash.child.ts'), open: openKysely })
