import type { CallContext } from '../../core/call.ts'
import type { ContainerDriver, ContainerPage, ContainerStat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { AtmosClient } from './client.ts'
import { AtmosError, classifyAtmos, EXISTS } from './errors.ts'
import { folderPage, standstill } from './listing.ts'
import { look } from './lookup.ts'
import { checkKey } from './names.ts'

const NOTHING = Buffer.alloc(0)

/** The top folders of the namespace. A plain file that lies there is no container. */
export class AtmosContainers implements ContainerDriver {
  readonly #client: AtmosClient

  constructor(client: AtmosClient) {
    this.#client = client
  }

  async create(name: string, ctx: CallContext): Promise<void> {
    await this.#client.done({ method: 'POST', path: folderOf(name), body: NOTHING }, ctx)
  }

  async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
    const { createdAt } = await look(this.#client, folderOf(name), ctx)
    return { name, createdAt }
  }

  async list(
    { token, limit }: { readonly token?: string | undefined; readonly limit?: number | undefined },
    ctx: CallContext,
  ): Promise<ContainerPage> {
    const { items, next } = await folderPage(this.#client, '', { token, limit }, ctx)
    if (next !== undefined && next === token) throw standstill()
    // A name that no request could have again is none.
    const folders = items.filter(({ name, isDirectory }) => isDirectory && /^[^/\ufffd]+$/.test(name))
    return { containers: folders.map(({ name }) => ({ name })), next }
  }

  async delete(name: string, ctx: CallContext): Promise<void> {
    const path = folderOf(name)
    // A plain file would be deleted by the path of a folder.
    await look(this.#client, path, ctx)
    await this.#client.done({ method: 'DELETE', path }, ctx)
  }

  /** Makes a container; fine where it is there. A plain file of that name is `not_a_directory`. */
  async ensure(name: string, ctx: CallContext): Promise<void> {
    try {
      await this.create(name, ctx)
    } catch (error) {
      if (!(error instanceof AtmosError) || error.serviceCode !== EXISTS) throw error
      await look(this.#client, folderOf(name), ctx).catch(reason => {
        if (classifyAtmos(reason) !== 'not_found') throw reason
        throw new StorageError('not_a_directory', `'${name}' is a file.`, { cause: error })
      })
    }
  }
}

/** The path of a container; `invalid_argument` for a name that none can have. */
function folderOf(name: string): string {
  try {
    if (name.includes('/')) throw new Error('it has a slash')
    checkKey(name)
    return `${name}/`
  } catch (error) {
    const text = `${JSON.stringify(name.slice(0, 80))} cannot be the name of a container: ${(error as Error).message}`
    throw new StorageError('invalid_argument', text)
  }
}
