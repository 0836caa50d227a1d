import { ormConformance } from '../suite/conformance.ts'
import { startMongooseGround } from './ground.ts'

ormConformance('Mongoose', startMongooseGround)
