/** The glob patterns of listings, in a separate chunk with their package: most programs never load them. */
export { globMatcher } from '../core/globs.ts'
