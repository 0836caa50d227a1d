import { nodeModule } from './builtin.ts'

/** What a file name says of the content. */
export interface GuessedType {
  readonly contentType?: string
  readonly contentEncoding?: string
}

const ENCODINGS: Readonly<Record<string, string>> = {
  gz: 'gzip',
  bz2: 'bzip2',
  xz: 'xz',
  br: 'br',
  zst: 'zstd',
  Z: 'compress',
}
const SUFFIXES: Readonly<Record<string, string>> = {
  tgz: 'tar.gz',
  taz: 'tar.gz',
  tz: 'tar.gz',
  tbz2: 'tar.bz2',
  txz: 'tar.xz',
  svgz: 'svg.gz',
}
const OWN: Readonly<Record<string, string>> = {
  tar: 'application/x-tar',
  js: 'text/javascript',
  mjs: 'text/javascript',
}

let types: Map<string, string> | undefined

function typeOf(extension: string): string | undefined {
  types ??= buildTypes()
  return OWN[extension] ?? types.get(extension)
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
  return table
}

/** Type and encoding by the extensions, whatever their case: 'a.css.gz' is text/css and gzip. (Python `mimetypes.guess_type`) */
export function guessType(name: string): GuessedType {
  const last = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1)
  const parts = last.replace(/^\.+/, '').split('.')
  if (parts.length < 2) return {}
  let extension = parts.pop()!
  const expanded = SUFFIXES[extension.toLowerCase()]
  if (expanded !== undefined) {
    parts.push(...expanded.split('.'))
    extension = parts.pop()!
  }
  const contentEncoding = ENCODINGS[extension] ?? ENCODINGS[extension.toLowerCase()]
  if (contentEncoding === undefined) return typed(typeOf(extension.toLowerCase()))
  const inner = parts.length > 1 ? typeOf(parts.at(-1)!.toLowerCase()) : undefined
  return inner === undefined ? { contentEncoding } : { contentType: inner, contentEncoding }
}

function typed(contentType: string | undefined): GuessedType {
  return contentType === undefined ? {} : { contentType }
}
