import { crashChild } from '../suite/crash-child.ts'
import { openTypeorm } from './ground.ts'

await crashChild(openTypeorm)
