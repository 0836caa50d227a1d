import { cssReferences } from './css.ts'
import { htmlFinder, htmlReferences } from './html.ts'
import { importMapReferences } from './import-map.ts'
import { sourceMapReferences } from './javascript/source-map.ts'
import { javaScriptReferences } from './javascript.ts'
import type { ReferenceFinder } from './reference.ts'
import { webManifestReferences } from './web-manifest.ts'

/** Which references are found. */
export interface FinderChoice {
  /**
   * References in JavaScript: modules and source maps, or like Django only source maps; default 'modules'. Import maps belong to modules.
   */
  readonly javaScript?: 'modules' | 'sourceMaps' | undefined
  /** Whether references in HTML are found; default false. */
  readonly html?: boolean | undefined
}

const htmlWithoutModules: ReferenceFinder = htmlFinder({ modules: false })

/**
 * Returns the finder for a file by its name, in any letter case: `.css`, `.js` and `.mjs`, `.importmap` and `importmap.json`,
 * `.webmanifest`, and `.html` and `.htm` with the option `html`. Undefined for any other file.
 */
export function finderOf(
  name: string,
  { javaScript = 'modules', html = false }: FinderChoice = {},
): ReferenceFinder | undefined {
  const file = name.slice(name.lastIndexOf('/') + 1).toLowerCase()
  const hasModules = javaScript === 'modules'
  switch (/\.[^.]*$/.exec(file)?.[0]) {
    case '.css':
      return cssReferences
    case '.js':
    case '.mjs':
      return hasModules ? javaScriptReferences : sourceMapReferences
    case '.html':
    case '.htm':
      if (!html) return undefined
      return hasModules ? htmlReferences : htmlWithoutModules
    case '.importmap':
      return hasModules ? importMapReferences : undefined
    case '.json':
      return hasModules && file === 'importmap.json' ? importMapReferences : undefined
    case '.webmanifest':
      return webManifestReferences
    default:
      return undefined
  }
}
