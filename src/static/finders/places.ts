import { readdirSync, statSync } from 'node:fs'
import type { CallOptions } from '../../core/call.ts'
import { classifyErrno } from '../../core/errno.ts'
import { abortedError, ImproperlyConfigured, wrapError } from '../../core/errors.ts'
import { isHidden } from '../../core/hidden-names.ts'
import { kindOf } from '../../core/kind.ts'
import { CALL_OPTIONS, checkCallOptions, checkKnownOptions, type KnownOptions } from '../../core/known-options.ts'
import { DiskFile } from '../disk-file.ts'
import { partsOf } from '../static-name.ts'
import type { FinderOptions, StaticFile } from '../types.ts'
import { filesBelow, pathOf } from '../walk.ts'

const FINDER_OPTIONS: KnownOptions<FinderOptions> = {
  ...CALL_OPTIONS,
  isIgnored: true,
  onSkipped: true,
  mustExist: true,
}

/** Rejects unknown options of `files` of a finder: code `invalid_argument`. */
export function checkFinderOptions(options: FinderOptions): void {
  checkKnownOptions('files', options, FINDER_OPTIONS)
}

/** A folder whose files are static files, and the prefix of their names. */
export interface Place {
  /** '' or a path without a slash at its end. */
  readonly prefix: string
  /** Absolute path. */
  readonly folder: string
}

/** Codes of the system for a path at which no file can exist. */
const NOT_THERE: ReadonlySet<string | undefined> = new Set(['not_found', 'suspicious_name'])

/** Returns the files of a folder by the UTF-8 bytes of their names; see `filesBelow`. */
export async function* filesOf(
  { prefix, folder }: Place,
  options: FinderOptions,
): AsyncGenerator<StaticFile, void, undefined> {
  const before = prefix === '' ? '' : `${prefix}/`
  for await (const { path, name } of filesBelow(folder, options)) yield new DiskFile(before + name, path)
}

/** Returns the files of one name, one for each folder that has it. */
export function findIn(places: readonly Place[], name: string, options: CallOptions): readonly StaticFile[] {
  checkCallOptions('find', options)
  const { signal } = options
  if (signal?.aborted) throw abortedError({ operation: 'find', fileName: name }, signal.reason)
  if (partsOf(name) === undefined) return []
  return places.flatMap(({ prefix, folder }) => {
    const before = prefix === '' ? '' : `${prefix}/`
    const path = name.startsWith(before) ? fileAt(folder, name.slice(before.length)) : undefined
    return path === undefined ? [] : [new DiskFile(name, path)]
  })
}

/** Returns the path of a file whose name in the system is exactly this one: some systems also find other spellings. */
function fileAt(folder: string, name: string): string | undefined {
  const parts = name.split('/')
  const path = parts.reduce(pathOf, folder)
  if (parts.some(isHidden)) return undefined
  try {
    if (!statSync(path).isFile()) return undefined
    let above = folder
    for (const part of parts) {
      if (!readdirSync(above).includes(part)) return undefined
      above = pathOf(above, part)
    }
    return path
  } catch (error) {
    if (NOT_THERE.has(classifyErrno(error))) return undefined
    throw wrapError(error, { operation: 'find', fileName: path }, classifyErrno)
  }
}

/** Returns the two parts of an entry of a list of folders or packages, and checks the prefix; `setting` is the name of the list. */
export function checkedEntry(entry: unknown, setting: string, what: string): readonly [prefix: string, value: string] {
  const [prefix, value] = Array.isArray(entry) && entry.length === 2 ? entry : ['', entry]
  if (typeof prefix !== 'string' || typeof value !== 'string') {
    throw new ImproperlyConfigured(`${setting}: expected ${what} or [prefix, ${what}], got ${shown(entry)}.`)
  }
  if (value === '') throw new ImproperlyConfigured(`${setting}: expected ${what}, got an empty text.`)
  if (prefix.endsWith('/')) {
    throw new ImproperlyConfigured(`${setting}: the prefix '${prefix}' must not end with a slash.`)
  }
  if (prefix !== '' && partsOf(prefix) === undefined) {
    throw new ImproperlyConfigured(`${setting}: expected a relative path as the prefix, got '${prefix}'.`)
  }
  return [prefix, value]
}

/** Returns the entries of a list; `improperly_configured` where the setting is not a list. */
export function checkedList(entries: unknown, setting: string): readonly unknown[] {
  if (Array.isArray(entries)) return entries
  const hint = typeof entries === 'string' ? " Put it in brackets: ['...']." : ''
  throw new ImproperlyConfigured(`${setting}: expected a list, got ${shown(entries)}.${hint}`)
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  return Array.isArray(value) ? `a list of ${value.length} values` : kindOf(value)
}
