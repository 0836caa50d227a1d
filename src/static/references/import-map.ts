import { isFileSpecifier } from './file-url.ts'
import { jsonReference } from './json/reference.ts'
import { type JsonString, jsonStrings } from './json/strings.ts'
import type { ReferenceFinder } from './reference.ts'

/** A base folder deep enough for every `../`. */
const BASE = `http://map.invalid/${'a/'.repeat(64)}`

/**
 * Finds the addresses of an import map that name files: the values of `imports` and of each scope in `scopes`. An address that ends with
 * `/` is a folder and is skipped. (HTML, import maps)
 *
 * Names do not change: those of `imports` and `scopes` are the specifiers in modules, and those of `integrity` belong to bytes. An address
 * with an entry in `integrity` does not change either: its file is loaded by its plain name, with the bytes of the entry. A name that is
 * itself the URL of a file (`{"./a.js": "./b.js"}`) no longer applies where a module imports that file by its name with a hash.
 *
 * Throws a `SyntaxError` where the text is not JSON.
 */
export const importMapReferences: ReferenceFinder = text => {
  const strings = jsonStrings(text, 3)
  const checked = new Set(strings.filter(isIntegrity).map(({ path }) => absolute(String(path[1]))))
  return strings
    .filter(string => isAddress(string) && isFileSpecifier(string.value) && !checked.has(absolute(string.value)))
    .map(string => jsonReference('module', string))
}

function isAddress({ path }: JsonString): boolean {
  return path.every(key => typeof key === 'string') && path.length === (path[0] === 'imports' ? 2 : 3) && isMap(path[0])
}

function isMap(key: string | number | undefined): boolean {
  return key === 'imports' || key === 'scopes'
}

function isIntegrity({ path }: JsonString): boolean {
  return path.length === 2 && path[0] === 'integrity'
}

/** Normalises an address for comparisons: `./a.js` and `./b/../a.js` are equal. */
function absolute(url: string): string {
  return URL.parse(url, BASE)?.href ?? url
}
