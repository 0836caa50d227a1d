import { crashChild } from '../suite/crash-child.ts'
import { openKysely } from './open.ts'

await crashChild((place, database) => openKysely(place, database))
