import { crashChild } from '../suite/crash-child.ts'
import { openMongoose } from './ground.ts'

await crashChild(openMongoose)
