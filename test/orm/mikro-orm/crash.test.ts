import { join } from 'node:path'
import { ormCrashes } from '../suite/crashes.ts'
import { openMikro } from './ground.ts'

ormCrashes('MikroORM with SQLite', { child: join(import.meta.dirname, 'crash.child.ts'), open: openMikro })
