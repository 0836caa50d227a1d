/** The glob patterns of listings, in a chunk of their own with their package: most programs never load them. */
export { globMatcher } from '../core/globs.ts'
