import { join } from 'node:path'
import { ormCrashes } from '../suite/crashes.ts'
import { openDrizzle } from './open.ts'

ormCrashes('drizzle, better-sqlite3', { child: join(import.meta.dirname, 'crash.child.ts'), open: openDrizzle })
