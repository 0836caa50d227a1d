import { crashChild } from '../suite/crash-child.ts'
import { openPrisma } from './ground.ts'

await crashChild(openPrisma)
