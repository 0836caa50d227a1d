import { statSync } from 'node:fs'
import { sep } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { classifyErrno, errnoOf, isExhaustion } from '../core/errno.ts'
import { abortedError, messageOf, wrapError } from '../core/errors.ts'
import { isHidden } from '../core/hidden-names.ts'
import { sortKeys } from '../core/key-order.ts'
import { NOT_UTF8 } from '../core/odd-items.ts'
import { type FolderEntry, readFolder } from './folder-entries.ts'
import { nameProblem } from './static-name.ts'
import type { FinderOptions } from './types.ts'

/** Number of names after which other work of the process may run. */
const STEPS = 512
/** Maximum number of links to folders on the way to a file: with more, folders that link to each other would be walked in every order. */
const MAX_LINKS = 8

/** A file below a folder. */
export interface FoundFile {
  readonly path: string
  /** Its path relative to the folder, with forward slashes. */
  readonly name: string
}

/** A folder in progress. */
interface Level {
  readonly path: string
  /** Prefix of the names in it. */
  readonly prefix: string
  /** Sorted; those of folders end in a slash. */
  readonly names: readonly string[]
  /** Folders among them that are links. */
  readonly linked: ReadonlySet<string>
  /** Number of links on the way to this folder. */
  readonly links: number
  /** Number of processed names. */
  taken: number
  /** Device and inode, once they are needed. */
  identity: string | undefined
}

/**
 * Returns the files below a folder, by the UTF-8 bytes of their names. Links are followed to any target, except back to a folder above
 * them. Entries that are skipped are reported, except those that are ignored or Holdall's own. Folders are read by synchronous calls; after
 * some hundred names other work of the process may run. An aborted signal is `aborted`; a lack of descriptors or memory is `unavailable`.
 */
export async function* filesBelow(folder: string, options: FinderOptions): AsyncGenerator<FoundFile, void, undefined> {
  const walk = new Walk(options)
  walk.check(folder)
  walk.enter(folder, '', { isLink: false, links: 0 })
  let steps = 0
  for (let level = walk.last; level !== undefined; level = walk.last) {
    if (++steps % STEPS === 0) {
      await setImmediate()
      walk.check(folder)
    }
    const name = level.names[level.taken++]
    if (name === undefined) walk.leave()
    else if (!name.endsWith('/')) yield { path: pathOf(level.path, name), name: level.prefix + name }
    else {
      const isLink = level.linked.has(name)
      const path = pathOf(level.path, name.slice(0, -1))
      walk.enter(path, level.prefix + name, { isLink, links: level.links + (isLink ? 1 : 0) })
    }
  }
}

/** Returns the path of a name in a folder. */
export function pathOf(folder: string, name: string): string {
  return folder.endsWith(sep) ? folder + name : folder + sep + name
}

class Walk {
  readonly #options: FinderOptions
  readonly #levels: Level[] = []

  constructor(options: FinderOptions) {
    this.#options = options
  }

  get last(): Level | undefined {
    return this.#levels.at(-1)
  }

  leave(): void {
    this.#levels.pop()
  }

  check(folder: string): void {
    const { signal } = this.#options
    if (signal?.aborted) throw abortedError({ operation: 'list', fileName: folder }, signal.reason)
  }

  /** Reads a folder, and makes it the last one; a folder that cannot be read, or is one of those above, is reported. */
  enter(path: string, prefix: string, { isLink, links }: { readonly isLink: boolean; readonly links: number }): void {
    try {
      // Without a link on the way, a folder cannot lie in itself.
      const identity = links > 0 ? identityOf(path) : undefined
      if (identity !== undefined && this.#isAbove(identity))
        this.#skip(path, 'it leads back to a folder above it', false)
      else if (isLink && links > MAX_LINKS) this.#skip(path, `it lies behind more than ${MAX_LINKS} links`, true)
      else this.#levels.push({ path, prefix, links, identity, taken: 0, ...this.#namesIn(path, prefix) })
    } catch (error) {
      this.#failed(path, error)
    }
  }

  #isAbove(identity: string): boolean {
    return this.#levels.some(level => {
      level.identity ??= identityOf(level.path)
      return level.identity === identity
    })
  }

  #namesIn(path: string, prefix: string): Pick<Level, 'names' | 'linked'> {
    const names: string[] = []
    const linked = new Set<string>()
    const entries = readFolder(path)
    // Reports have the same order on every machine.
    if (entries.some(isOdd)) entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      const { name } = entry
      if (isHidden(name) || this.#options.isIgnored(prefix + name)) continue
      const kind = this.#kindOf(pathOf(path, name), entry)
      if (kind === 'file') names.push(name)
      if (kind !== 'folder') continue
      names.push(`${name}/`)
      if (entry.kind === 'link') linked.add(`${name}/`)
    }
    return { names: sortKeys(names), linked }
  }

  /** Returns the kind of a path; undefined for a skipped entry, which is reported. */
  #kindOf(path: string, { name, kind, isUtf8 }: FolderEntry): 'file' | 'folder' | undefined {
    const problem = isUtf8 ? nameProblem(name) : NOT_UTF8
    if (kind === 'other') this.#skip(path, NO_FILE, false)
    else if (problem !== undefined) this.#skip(path, problem, true)
    else return kind === 'link' ? this.#targetOf(path) : kind
    return undefined
  }

  #targetOf(path: string): 'file' | 'folder' | undefined {
    try {
      const stats = statSync(path)
      if (stats.isFile()) return 'file'
      if (stats.isDirectory()) return 'folder'
      this.#skip(path, NO_FILE, false)
    } catch (error) {
      if (classifyErrno(error) === 'not_found') this.#skip(path, 'the link leads nowhere', true)
      else this.#failed(path, error)
    }
    return undefined
  }

  #failed(path: string, error: unknown): void {
    if (isExhaustion(error)) throw wrapError(error, { operation: 'list', fileName: path }, classifyErrno)
    this.#skip(path, reasonOf(error), true)
  }

  #skip(path: string, reason: string, isFailure: boolean): void {
    this.#options.onSkipped?.(path, reason, isFailure)
  }
}

const NO_FILE = 'it is neither a file nor a folder'

/** Whether an entry may have to be reported. */
function isOdd({ name, kind, isUtf8 }: FolderEntry): boolean {
  return kind === 'link' || kind === 'other' || !isUtf8 || nameProblem(name) !== undefined
}

function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true })
  return `${dev}:${ino}`
}

/** Describes why the system rejected an operation. */
function reasonOf(error: unknown): string {
  const code = classifyErrno(error)
  if (errnoOf(error) === 'ELOOP') return 'the link leads back to itself'
  if (code === 'permission_denied') return 'permission denied'
  return code === 'not_found' ? 'it is gone' : messageOf(error)
}
