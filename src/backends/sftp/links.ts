import { type StorageError, SuspiciousFileOperation } from '../../core/errors.ts'
import { kindOf } from './attributes.ts'
import type { Channel } from './channel.ts'
import type { Root } from './root.ts'

/** Maximum number of links that are followed in sequence. */
const MAX_LINKS = 40

/** Symbolic links on the server: they are followed only if they stay inside the storage's folder. */
export class Links {
  readonly #root: Root

  constructor(root: Root) {
    this.#root = root
  }

  /**
   * Asks the server where a link leads; a target outside the storage's folder is a `suspicious_name`. Many servers resolve links in
   * REALPATH. For servers that only normalise the path, the link is read and its parts are checked.
   */
  async confine(channel: Channel, path: string, signal?: AbortSignal): Promise<void> {
    const slash = path.lastIndexOf('/')
    const parent = slash < 0 ? '.' : path.slice(0, slash) || '/'
    const paths = [this.#root.path, path, parent]
    const [root, real, folder] = await Promise.all(paths.map(each => channel.realPath(each, signal)))
    const lexical = withSlash(folder!) + path.slice(slash + 1)
    if (real !== lexical) return check(path, real!, root!)
    return this.#read(channel, lexical, root!, 0, signal)
  }

  /** The path with each link replaced by its target, step by step. */
  async #read(channel: Channel, path: string, root: string, depth: number, signal?: AbortSignal): Promise<void> {
    check(path, path, root)
    if (depth > MAX_LINKS) throw outside(path)
    const parts = path.slice(withSlash(root).length).split('/').filter(Boolean)
    let at = root
    for (const [index, part] of parts.entries()) {
      const step = withSlash(at) + part
      const attributes = await channel.lstat(step, signal)
      if (kindOf(attributes) === 'link') {
        const target = await channel.readLink(step, signal)
        const rest = parts.slice(index + 1).join('/')
        const next = normal(`${target.startsWith('/') ? target : `${at}/${target}`}/${rest}`)
        return this.#read(channel, next, root, depth + 1, signal)
      }
      at = step
    }
  }
}

function check(path: string, real: string, root: string): void {
  if (real === root || real.startsWith(withSlash(root))) return
  throw outside(path)
}

function outside(path: string): StorageError {
  return new SuspiciousFileOperation(
    `The path (${path}) is located outside of the base path component because of a symbolic link.`,
  )
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}

function normal(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
