import type { DynamicImport, Import } from 'es-module-lexer'
import { isFileSpecifier, mayNameFile } from './file-url.ts'
import { disguised, isMetaUrl } from './javascript/calls.ts'
import { literalReference } from './javascript/literal.ts'
import { sourceMapReference } from './javascript/source-map.ts'
import { lineOf } from './lines.ts'
import type { Reference, ReferenceFinder } from './reference.ts'

type Parse = (text: string) => readonly Import[]

/**
 * Finds the modules that a script imports (`import`, `export from`, `import()`, with phases and attributes), the files of `new
 * URL('./a.png', import.meta.url)` and `import.meta.resolve('./a.js')`, and its source map. Only whole strings count, or templates without
 * a substitution, and as modules only URLs: `./a.js`, `../a.js`, `/a.js`, `https://example.com/a.js`. Modules and classic scripts are read
 * alike, since `import()` works in both. Text in a string, a comment, a regular expression or a template does not count. New URLs are
 * written in the existing quotes.
 *
 * Throws a `SyntaxError` for a script with `import` or `export` that is not valid JavaScript; a script without these words is not parsed.
 */
export const javaScriptReferences: ReferenceFinder = async text => {
  const references = /\b(?:import|export)\b/.test(text) ? fromImports(readable(text), await lexer()) : []
  const sourceMap = sourceMapReference(text)
  return sourceMap === undefined ? references : [...references, sourceMap]
}

/** Returns the text for the lexer, with the same positions: a byte order mark becomes a blank, and a Unix hashbang line a comment. */
function readable(text: string): string {
  const shown = text.startsWith('\uFEFF') ? ` ${text.slice(1)}` : text
  return shown.startsWith('#!') ? `//${shown.slice(2)}` : shown
}

/** Loads and compiles the lexer once, at the first script. */
async function lexer(): Promise<Parse> {
  const { init, parse } = await import('es-module-lexer')
  await init()
  return text => {
    try {
      return parse(text)[0]
    } catch (error) {
      const { idx } = error as { readonly idx?: number }
      if (idx === undefined) throw error
      // The lexer reports no position for a bracket that is never closed.
      const place = idx === 0 ? 'brackets do not match, from line 1 on' : `could not read line ${lineOf(text, idx)}`
      throw new SyntaxError(`expected JavaScript: ${place}`, { cause: error })
    }
  }
}

function fromImports(text: string, parse: Parse): readonly Reference[] {
  const imports = parse(text)
  const references: Reference[] = []
  for (const found of imports) {
    if (found.type === 'import-meta') continue
    const { specifier } = found
    if (specifier === undefined || !isFileSpecifier(specifier)) continue
    if (found.type !== 'dynamic') {
      references.push(literalReference('module', specifier, text, found.start - 1, found.end + 1))
    } else if (!found.glob) {
      references.push(literalReference('module', specifier, text, found.start, found.end))
    }
  }
  return [...references, ...fromCalls(text, imports, parse)].sort((a, b) => a.start - b.start)
}

/** Returns the URLs of calls that are relative to the script. */
function fromCalls(text: string, imports: readonly Import[], parse: Parse): readonly Reference[] {
  const calls = disguised(text, imports)
  if (calls === undefined) return []
  const metas = new Map(imports.filter(({ type }) => type === 'import-meta').map(({ start, end }) => [start, end]))
  const isUrl = ({ importStart, importEnd, attributesStart, specifier }: DynamicImport): boolean => {
    const metaEnd = metas.get(attributesStart)
    return (
      calls.urls.has(importStart) &&
      metaEnd !== undefined &&
      isMetaUrl(text, metaEnd, importEnd) &&
      mayNameFile(specifier!)
    )
  }
  return parse(calls.text).flatMap(found => {
    if (found.type !== 'dynamic' || found.glob || found.specifier === undefined) return []
    const { specifier, start, end, importStart } = found
    const isFile = isUrl(found) || (calls.resolves.has(importStart) && isFileSpecifier(specifier))
    return isFile ? [literalReference('asset', specifier, text, start, end)] : []
  })
}
