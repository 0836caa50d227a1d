import { join } from 'node:path'
import { ormCrashes } from '../suite/crashes.ts'
import { openTypeorm } from './ground.ts'

ormCrashes('typeorm on better-sqlite3', { child: join(import.meta.dirname, 'crash.child.ts'), open: openTypeorm })
