import { join } from 'node:path'
import { ormCrashes } from '../suite/crashes.ts'
import { openPlain } from './ground.ts'

ormCrashes('the core with SQLite', { child: join(import.meta.dirname, 'crash.child.ts'), open: openPlain })
