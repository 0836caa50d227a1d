import { crashChild } from '../suite/crash-child.ts'
import { openPlain } from './ground.ts'

await crashChild(openPlain)
