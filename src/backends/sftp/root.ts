import { StorageError } from '../../core/errors.ts'
import { keyComponents } from '../../core/key-components.ts'

/** A file, or a name for one, in a folder on the server. */
export interface Place {
  readonly key: string
  readonly path: string
  readonly base: string
  /** The folders below the storage's own one. */
  readonly folders: readonly string[]
}

/** The folder on the server that holds all files, and the paths below it. Sends no requests. */
export class Root {
  /** Without a slash at its end; `.` is the folder of the login. */
  readonly path: string
  readonly #prefix: string

  constructor(location: string) {
    this.path = location === '' ? '.' : location.replace(/(?<!\/)\/+$/, '') || '/'
    this.#prefix = location === '' || this.path === '.' ? '' : this.path === '/' ? '/' : `${this.path}/`
  }

  /** The path of some components of a key, for a file, or for a folder without its slash. */
  join(components: readonly string[]): string {
    return components.length === 0 ? this.path : this.#prefix + components.join('/')
  }

  /** The place of a file. A place outside the folder is a `suspicious_name`, the folder itself is `is_directory`. */
  place(key: string): Place {
    const components = this.components(key)
    const base = components.at(-1)
    if (base === undefined) throw new StorageError('is_directory', 'The storage’s own folder is not a file.')
    return { key, path: this.join(components), base, folders: components.slice(0, -1) }
  }

  /** The components of a key; that of a folder may end in a slash. Paths on the server have no other separator, on any system. */
  components(key: string): readonly string[] {
    return keyComponents(key.endsWith('/') ? key.slice(0, -1) : key, 'posix')
  }
}
