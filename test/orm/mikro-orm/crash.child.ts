import { crashChild } from '../suite/crash-child.ts'
import { openMikro } from './ground.ts'

await crashChild(openMikro)
