import { crashChild } from '../suite/crash-child.ts'
import { openDrizzle } from './open.ts'

await crashChild(openDrizzle)
