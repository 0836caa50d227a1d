export type {} from '../../fields/index.ts'
