import { crashChild } from '../suite/crash-child.ts'
import { openSequelize } from './ground.ts'

await crashChild(openSequelize)
