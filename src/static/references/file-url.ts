import { splitSuffix } from '../../core/static-manifest.ts'

const SCHEME = /^([a-z][a-z0-9+.-]*):/i

/** Whether a URL begins with a scheme. */
export function hasScheme(url: string): boolean {
  return SCHEME.test(url)
}

/**
 * Whether a URL may name a file of a site: relative, or with `http` or `https`, and with a path that is neither empty nor that of a folder.
 */
export function mayNameFile(url: string): boolean {
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase()
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') return false
  const [path] = splitSuffix(url)
  const last = path.slice(path.lastIndexOf('/') + 1)
  return last !== '' && last !== '.' && last !== '..'
}

/**
 * Whether a module specifier is a URL that may name a file: `./a.js`, `../a.js`, `/a.js`, `https://example.com/a.js`. A bare name
 * (`lodash`, `#internal`) is resolved by a map or a bundler. (HTML, resolve a module specifier)
 */
export function isFileSpecifier(specifier: string): boolean {
  return (/^\.{0,2}\//.test(specifier) || hasScheme(specifier)) && mayNameFile(specifier)
}

/** Whether a URL contains the marks of a template language: its final value is unknown. */
export function hasTemplateMarks(url: string): boolean {
  return /\{[{%]|<%|\$\{/.test(url)
}
