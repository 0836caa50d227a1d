import { mediaTypes } from './media-types.ts'

/** The type and encoding that a file name implies. */
export interface GuessedType {
  readonly contentType?: string
  readonly contentEncoding?: string
}

interface Packer {
  /** Type of the files that it makes. */
  readonly type: string
  /** Name of its format as a content coding, where browsers decode it. (IANA HTTP Content Coding Registry) */
  readonly coding?: string
}

const GZIP: Packer = { type: 'application/gzip', coding: 'gzip' }
const BZIP2: Packer = { type: 'application/x-bzip2' }
const XZ: Packer = { type: 'application/x-xz' }
const ZSTD: Packer = { type: 'application/zstd', coding: 'zstd' }
const COMPRESS: Packer = { type: 'application/x-compress' }

/** Packers by the last extension, in lower case. */
const PACKERS: ReadonlyMap<string, Packer> = new Map([
  ['gz', GZIP],
  ['tgz', GZIP],
  ['taz', GZIP],
  ['svgz', GZIP],
  ['bz2', BZIP2],
  ['tbz2', BZIP2],
  ['tbz', BZIP2],
  ['xz', XZ],
  ['txz', XZ],
  ['br', { type: 'application/x-brotli', coding: 'br' }],
  ['zst', ZSTD],
  ['tzst', ZSTD],
])
/**
 * Extensions of files that pages load by themselves. Such a file is packed for the transfer to the browser. Every other packed file
 * (`.tar.gz`, `.sql.gz`, `.csv.gz`) is a download, which a browser must save unchanged.
 */
const LOADED_BY_PAGES: ReadonlySet<string> = new Set(
  'html htm xhtml css js mjs cjs map svg wasm webmanifest'.split(' '),
)
const OWN: ReadonlyArray<readonly [extension: string, type: string]> = [
  ['tar', 'application/x-tar'],
  ['js', 'text/javascript'],
  ['mjs', 'text/javascript'],
]

let types: Map<string, string> | undefined

function table(): ReadonlyMap<string, string> {
  types ??= new Map([...Object.entries(mediaTypes()), ...OWN])
  return types
}

function typeOf(extension: string): string | undefined {
  return table().get(extension)
}

/**
 * Returns type and encoding by the extensions, in any case. `a.css.gz` is text/css, packed with gzip; `a.tar.gz`, `dump.sql.gz` and `a.gz`
 * are application/gzip without an encoding, since a browser would unpack them and keep their name.
 */
export function guessType(name: string): GuessedType {
  const [stem, extension] = split(baseOf(name))
  const packer = packerOf(extension)
  if (packer === undefined) return typed(typeOf(extension.toLowerCase()))
  const inner = extension.toLowerCase() === 'svgz' ? 'svg' : split(stem)[1].toLowerCase()
  const contentType = packer.coding !== undefined && LOADED_BY_PAGES.has(inner) ? typeOf(inner) : undefined
  if (contentType === undefined) return { contentType: packer.type }
  return { contentType, contentEncoding: packer.coding! }
}

/** Returns the type of the packer for a file of this name: application/gzip for `a.css.gz`. Undefined for a file that is not packed. */
export function packedType(name: string): string | undefined {
  return packerOf(split(baseOf(name))[1])?.type
}

/** `.Z` is compress, `.z` is not. */
function packerOf(extension: string): Packer | undefined {
  return extension === 'Z' ? COMPRESS : PACKERS.get(extension.toLowerCase())
}

/** Returns the last part of a path, without leading dots. */
function baseOf(name: string): string {
  let start = Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1
  while (name[start] === '.') start++
  return name.slice(start)
}

/** Splits at the last dot. */
function split(base: string): [stem: string, extension: string] {
  const dot = base.lastIndexOf('.')
  return dot < 0 ? [base, ''] : [base.slice(0, dot), base.slice(dot + 1)]
}

function typed(contentType: string | undefined): GuessedType {
  return contentType === undefined ? {} : { contentType }
}

/** Returns the usual extension of a media type, without a dot; undefined where none is known. */
export function extensionOf(contentType: string): string | undefined {
  const wanted = /^[^;\s]*/.exec(contentType)![0].toLowerCase()
  for (const [extension, type] of table()) if (type === wanted) return extension
  return undefined
}
