import { mkdir, opendir, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver, ContainerPage, ContainerStat } from '../../core/container-driver.ts'
import type { Driver } from '../../core/driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'

const CODES: Readonly<Record<string, ErrorCode>> = {
  EEXIST: 'exists',
  ENOENT: 'not_found',
  ENOTDIR: 'not_found',
  ENOTEMPTY: 'not_empty',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
}

/** The subfolders of a folder, which Libcloud's driver LOCAL uses as containers. */
class LocalContainers implements ContainerDriver {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async create(name: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    await coded(() => mkdir(join(this.#folder, name)))
  }

  async stat(name: string): Promise<ContainerStat> {
    const stats = await coded(() => stat(join(this.#folder, name)))
    if (!stats.isDirectory()) throw new StorageError('not_found', `'${name}' is a file.`)
    return { name, createdAt: stats.birthtime }
  }

  /** All folders in one page, without hidden ones. */
  async list(_page: unknown, ctx: CallContext): Promise<ContainerPage> {
    const containers: ContainerStat[] = []
    for await (const entry of await coded(() => opendir(this.#folder))) {
      ctx.signal.throwIfAborted()
      if (entry.isDirectory() && !entry.name.startsWith('.')) containers.push({ name: entry.name })
    }
    return { containers: containers.sort((a, b) => (a.name < b.name ? -1 : 1)) }
  }

  async delete(name: string): Promise<void> {
    await coded(() => rmdir(join(this.#folder, name)))
  }
}

async function coded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const code = CODES[String((cause as NodeJS.ErrnoException).code)]
    throw code === undefined ? cause : new StorageError(code, (cause as Error).message, { cause })
  }
}

/** The driver of a local disk that also has the sibling folders as containers. */
export function withContainers(driver: Driver, folder: string): Driver {
  const containers = new LocalContainers(folder)
  return new Proxy(driver, {
    get(target, key) {
      if (key === 'containers') return containers
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
