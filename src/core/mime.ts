import { nodeModule } from './builtin.ts'

/** What a file name says of the content. */
export interface GuessedType {
  readonly contentType?: string
  readonly contentEncoding?: string
}

const ENCODINGS: ReadonlyMap<string, string> = new Map([
  ['gz', 'gzip'],
  ['bz2', 'bzip2'],
  ['xz', 'xz'],
  ['br', 'br'],
  ['zst', 'zstd'],
  ['Z', 'compress'],
])
/** Extensions that stand for two. */
const SUFFIXES: ReadonlyMap<string, readonly [inner: string, outer: string]> = new Map([
  ['tgz', ['tar', 'gz']],
  ['taz', ['tar', 'gz']],
  ['tz', ['tar', 'gz']],
  ['tbz2', ['tar', 'bz2']],
  ['txz', ['tar', 'xz']],
  ['svgz', ['svg', 'gz']],
])
const OWN: ReadonlyArray<readonly [extension: string, type: string]> = [
  ['tar', 'application/x-tar'],
  ['js', 'text/javascript'],
  ['mjs', 'text/javascript'],
]

let types: Map<string, string> | undefined

function typeOf(extension: string): string | undefined {
  types ??= buildTypes()
  return types.get(extension)
}

/** The tables are loaded at the first guess: whoever imports Holdall need not wait for them. */
function buildTypes(): Map<string, string> {
  const require = nodeModule().createRequire(import.meta.url)
  const table = new Map<string, string>()
  for (const source of ['mime/types/other.js', 'mime/types/standard.js']) {
    const { default: types } = require(source) as { default: Readonly<Record<string, readonly string[]>> }
    for (const [type, extensions] of Object.entries(types)) {
      for (const extension of extensions) if (!extension.startsWith('*')) table.set(extension, type)
    }
  }
  for (const [extension, type] of OWN) table.set(extension, type)
  return table
}

/** Type and encoding by the extensions, whatever their case: 'a.css.gz' is text/css and gzip. (Python `mimetypes.guess_type`) */
export function guessType(name: string): GuessedType {
  let start = Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1
  while (name[start] === '.') start++
  const dot = name.lastIndexOf('.')
  if (dot < start) return {}
  const extension = name.slice(dot + 1)
  const lower = extension.toLowerCase()
  const both = SUFFIXES.get(lower)
  const contentEncoding = ENCODINGS.get(extension) ?? ENCODINGS.get(both?.[1] ?? lower)
  if (contentEncoding === undefined) return typed(typeOf(lower))
  const contentType = typeOf(both?.[0] ?? extensionOf(name.slice(start, dot)))
  return contentType === undefined ? { contentEncoding } : { contentType, contentEncoding }
}

/** What stands after the last dot, in lower case. */
function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(dot + 1).toLowerCase()
}

function typed(contentType: string | undefined): GuessedType {
  return contentType === undefined ? {} : { contentType }
}
