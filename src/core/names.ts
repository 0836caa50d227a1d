import { nodeCrypto } from './builtin.ts'
import { StorageError, SuspiciousFileOperation } from './errors.ts'
import { kindOf } from './kind.ts'

/** How a taken name is made free: 7 random alphanumerics (Django since 1.7), or an underscore per collision (Django up to 1.4). */
export type NameStrategy = 'random' | 'underscore'

const ALPHANUMERICS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/**
 * Maximum length of a name that is processed, in UTF-16 units: longer than any backend's own limit, and short enough to be normalised at
 * once.
 */
export const MAX_NAME_LENGTH = 8192

/** Names that are already in normal form: no empty part, none that begins with a dot, no `\`. Most names are, and need no further work. */
const PLAIN = /^[^./\\][^/\\]*(?:\/[^./\\][^/\\]*)*$/

function isPlain(name: string): boolean {
  return PLAIN.test(checkedName(name))
}

/** Returns the key of a name below `root`, which is '' or ends in '/'; undefined for a name that must be normalised first. */
export function joinPlain(root: string, name: string): string | undefined {
  return isPlain(name) ? root + name : undefined
}

/**
 * Normalises a name by POSIX rules, keeps a trailing slash, then turns `\` into `/`; '.' and './' are ''. (django-storages `clean_name`)
 */
export function cleanName(name: string): string {
  if (isPlain(name)) return name
  const normal = normalise(name)
  const clean = normal.replaceAll('\\', '/')
  if (clean === '.' || clean === './') return ''
  return name.endsWith('/') && !clean.endsWith('/') ? `${clean}/` : clean
}

/** Python's `posixpath.normpath`: no trailing slash, exactly two leading slashes kept, '' is '.'. */
function normalise(path: string): string {
  const slashes = !path.startsWith('/') ? '' : path.startsWith('//') && !path.startsWith('///') ? '//' : '/'
  return slashes + normalParts(path).join('/') || '.'
}

/** Returns the parts of a normalised path: `..` removes the one before it; a relative path may begin with some. */
function normalParts(path: string): string[] {
  const absolute = path.startsWith('/')
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    const last = parts.at(-1)
    if (part !== '..' || (last === undefined ? !absolute : last === '..')) parts.push(part)
    else parts.pop()
  }
  return parts
}

/**
 * Joins paths below `base` and returns the key without a leading slash; a trailing slash of the last path stays. A path that leaves `base`
 * is `suspicious_name`, even where `base` is the root.
 */
export function safeJoin(base: string, ...paths: readonly string[]): string {
  const root = trimSlashes(base)
  let joined = `/${root}`
  for (const path of paths) {
    if (checkedName(path).startsWith('/')) {
      if (root !== '') throw denied(path)
      joined = path
    } else {
      joined = `${joined.endsWith('/') ? joined.slice(0, -1) : joined}/${path}`
    }
  }
  if (climbsOut(joined)) throw denied(paths.join('/'))
  const key = normalParts(joined).join('/')
  const last = paths.at(-1) ?? ''
  if (root !== '' && key === root) return `${root}/`
  if (root !== '' && !key.startsWith(`${root}/`)) throw denied(paths.join('/'))
  return key !== '' && last.endsWith('/') ? `${key}/` : key
}

/** Whether a prefix is '' or a normal path with its slash, so that a plain name can be appended to it. */
export function isPlainPrefix(prefix: string): boolean {
  return prefix === '' || (prefix.endsWith('/') && isPlain(prefix.slice(0, -1)))
}

/** Returns a text without the slashes at its ends. */
function trimSlashes(text: string): string {
  let start = 0
  while (text[start] === '/') start++
  return trimTrailingSlashes(text.slice(start))
}

/** Returns a text without the slashes at its end. */
export function trimTrailingSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end--
  return text.slice(0, end)
}

function climbsOut(path: string): boolean {
  let depth = 0
  for (const part of path.split('/')) {
    if (part === '..') depth--
    else if (part !== '' && part !== '.') depth++
    if (depth < 0) return true
  }
  return false
}

function denied(name: string): SuspiciousFileOperation {
  return new SuspiciousFileOperation(`Attempted access to '${name}' denied.`, { fileName: name })
}

/** Throws `suspicious_name` unless the name has a file part, is relative and free of `..`. (Django `validate_file_name`) */
export function validateFileName(name: string, options: { readonly allowRelativePath?: boolean } = {}): string {
  if (options.allowRelativePath !== false && isPlain(name)) return name
  const path = checkedName(name).replaceAll('\\', '/')
  const last = path.slice(path.lastIndexOf('/') + 1)
  if (last === '' || last === '.' || last === '..') {
    throw new SuspiciousFileOperation(`Could not derive file name from '${name}'`, { fileName: name })
  }
  if (options.allowRelativePath !== false) {
    if (path.startsWith('/') || path.split('/').includes('..')) throw traversal(name)
  } else if (path !== last) {
    throw new SuspiciousFileOperation(`File name '${name}' includes path elements`, { fileName: name })
  }
  return name
}

/**
 * Returns the name itself; called before any other check. A value that is not text is `invalid_argument`, a name longer than
 * `MAX_NAME_LENGTH` is `suspicious_name`.
 */
export function checkedName(name: unknown): string {
  if (typeof name !== 'string') throw new StorageError('invalid_argument', `name: expected text, got ${kindOf(name)}.`)
  if (name.length <= MAX_NAME_LENGTH) return name
  const fileName = `${cutText(name, 40)}...`
  const text = `'${fileName}' has ${name.length} characters; the longest name allowed has ${MAX_NAME_LENGTH}.`
  throw new SuspiciousFileOperation(text, { fileName })
}

function traversal(name: string): SuspiciousFileOperation {
  return new SuspiciousFileOperation(`Detected path traversal attempt in '${name}'`, { fileName: name })
}

/**
 * Returns a file name that is safe on every system: trimmed, spaces to `_`, only letters, digits, `_`, `-` and `.`. (Django
 * `get_valid_filename`)
 */
export function getValidName(name: string): string {
  const valid = checkedName(name)
    .trim()
    .replaceAll(' ', '_')
    .replace(/[^\p{L}\p{M}\p{N}_.-]/gu, '')
  if (valid === '' || valid === '.' || valid === '..') {
    throw new SuspiciousFileOperation(`Could not derive file name from '${name}'`, { fileName: name })
  }
  return valid
}

/**
 * Splits a name into folder (with its slash, or ''), stem, and all suffixes: 'a/x.tar.gz' is ['a/', 'x', '.tar.gz'], '.hidden' has none.
 */
export function splitName(name: string): [folder: string, stem: string, suffixes: string] {
  const slash = name.lastIndexOf('/') + 1
  const last = name.slice(slash)
  const firstReal = last.search(/[^.]/)
  const dot = firstReal < 0 ? -1 : last.indexOf('.', firstReal)
  if (dot < 0 || last.endsWith('.')) return [name.slice(0, slash), last, '']
  return [name.slice(0, slash), last.slice(0, dot), last.slice(dot)]
}

/** Returns another name for one that is taken: `stem_Ab3dE9z.ext`, or `stem_.ext` by the old rule. (Django `get_alternative_name`) */
export function alternativeName(stem: string, suffixes: string, strategy: NameStrategy = 'random'): string {
  return strategy === 'underscore' ? `${stem}_${suffixes}` : `${stem}_${randomString(7)}${suffixes}`
}

function randomString(length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += ALPHANUMERICS[nodeCrypto().randomInt(ALPHANUMERICS.length)]
  return text
}

/**
 * Shortens the end of the stem, never folder or suffixes, down to `maxLength` UTF-16 units; `suspicious_name` when nothing of the stem
 * would remain.
 */
export function truncateName(name: string, maxLength: number | undefined): string {
  if (maxLength === undefined || name.length <= maxLength) return name
  const [folder, stem, suffixes] = splitName(name)
  const cut = cutText(stem, stem.length - (name.length - maxLength))
  if (cut === '') {
    throw new SuspiciousFileOperation(
      `Storage tried to truncate away entire filename "${name}". Please make sure that the corresponding file field allows sufficient "max_length".`,
      { fileName: name },
    )
  }
  return `${folder}${cut}${suffixes}`
}

/** Returns the first `length` UTF-16 units of a text, without cutting a character in half. */
export function cutText(text: string, length: number): string {
  if (length <= 0) return ''
  const cut = text.slice(0, length)
  return /[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut
}

/** Rejects `..` in the folder part, makes the last part valid, and normalises the whole. (Django `generate_filename`) */
export function generateFilename(name: string, valid: (last: string) => string = getValidName): string {
  const path = checkedName(name).replaceAll('\\', '/')
  const slash = path.lastIndexOf('/')
  const folder = slash < 0 ? '' : path.slice(0, slash || 1)
  if (folder.split('/').includes('..')) throw traversal(folder)
  const last = valid(path.slice(slash + 1))
  const whole = folder === '' ? last : `${folder}/${last}`
  return (whole.startsWith('/') ? '/' : '') + normalParts(whole).join('/') || '.'
}

/** Returns the part of a path behind its last separator, `/` or `\`. */
export function lastPartOf(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}
