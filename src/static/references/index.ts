import { cssReferences } from './css.ts'
import type { ReferenceFinder } from './reference.ts'

/** Which references are found. */
export interface FinderChoice {
  readonly javaScript?: 'modules' | 'sourceMaps' | undefined
  readonly html?: boolean | undefined
}

/** The finder for a file by its name. */
export function finderOf(name: string, _choice: FinderChoice = {}): ReferenceFinder | undefined {
  return name.toLowerCase().endsWith('.css') ? cssReferences : undefined
}
