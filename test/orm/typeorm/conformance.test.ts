import { ormConformance } from '../suite/conformance.ts'
import { startTypeorm } from './ground.ts'

ormConformance('typeorm on sql.js', place => startTypeorm({ type: 'sqljs' }, place))
