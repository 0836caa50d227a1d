import { crashChild } from '../suite/crash-child.ts'
import { openDrizzle } from './open.ts'

await crashChild((place, database) => openDrizzle(place, database))
