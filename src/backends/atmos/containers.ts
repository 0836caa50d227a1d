import type { CallContext } from '../../core/call.ts'
import type { ContainerPage, ContainerStat } from '../../core/container-driver.ts'
import { type ErrorCode, StorageError } from '../../core/errors.ts'
import { type ContainerProtocol, containerPage } from '../../remote/containers.ts'
import { type FolderItem, isListedName } from '../../remote/folder-items.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import type { AtmosClient } from './client.ts'
import { AtmosError, classifyAtmos, EXISTS, NOT_EMPTY, TOO_LONG } from './errors.ts'
import { folderPage, standstill } from './listing.ts'
import { look } from './lookup.ts'
import { checkKey } from './names.ts'

const NOTHING = Buffer.alloc(0)
/** Maximum length of a path that is entered: a server with endlessly nested folders must not keep a deletion running forever. */
const MAX_PATH = 4096

/** The top folders of the namespace. A plain file at this level is not a container. */
export class AtmosContainers implements ContainerProtocol {
  readonly #client: AtmosClient

  constructor(client: AtmosClient) {
    this.#client = client
  }

  codeOf({ serviceCode }: HttpStatusError): ErrorCode | undefined {
    return serviceCode === TOO_LONG ? 'invalid_argument' : undefined
  }

  async create(name: string, ctx: CallContext): Promise<void> {
    const path = folderOf(name)
    await this.#client.done({ method: 'POST', path, body: NOTHING, conflicts: [400, 409] }, ctx)
  }

  async stat(name: string, ctx: CallContext): Promise<ContainerStat> {
    const { createdAt } = await look(this.#client, folderOf(name), ctx)
    return createdAt === undefined ? { name } : { name, createdAt }
  }

  async list(
    { token, limit }: { readonly token?: string | undefined; readonly limit?: number | undefined },
    ctx: CallContext,
  ): Promise<ContainerPage> {
    const { items, next } = await folderPage(this.#client, '', { token, limit }, ctx)
    if (next !== undefined && next === token) throw standstill()
    const folders = items.filter(({ isDirectory }) => isDirectory)
    // A name that no request could contain is left out.
    const known = folders.filter(({ name }) => !/[/\ufffd]|^\.{1,2}$/.test(name))
    return containerPage(
      known.map(({ name }) => ({ name })),
      next,
    )
  }

  /**
   * Deletes the container, and empty folders in it, which files leave behind. If it has other contents: `not_empty`, and nothing is
   * removed.
   */
  async delete(name: string, ctx: CallContext): Promise<void> {
    const path = folderOf(name)
    // The path of a folder would also delete a plain file.
    await look(this.#client, path, ctx)
    try {
      await this.#remove(path, ctx)
    } catch (error) {
      if (!(error instanceof AtmosError) || error.serviceCode !== NOT_EMPTY) throw error
      const folders = await this.#emptyFolders(path, ctx)
      if (folders === undefined) throw error
      for (const folder of folders) await this.#remove(folder, ctx)
      await this.#remove(path, ctx)
    }
  }

  /** Makes a container. An existing one is no error; a plain file of that name is `not_a_directory`. */
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

  async #remove(path: string, ctx: CallContext): Promise<void> {
    await this.#client.done({ method: 'DELETE', path, conflicts: [404] }, ctx)
    ctx.progress()
  }

  /** The folders below a folder, each before its parent; undefined if there is anything other than folders, or a folder without a name. */
  async #emptyFolders(path: string, ctx: CallContext): Promise<string[] | undefined> {
    const found: string[] = []
    const waiting = [path]
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
      if (folder.length > MAX_PATH) return undefined
      let token: string | undefined
      do {
        const page = await folderPage(this.#client, folder, { token }, ctx)
        if (page.next !== undefined && page.next === token) throw standstill()
        if (page.items.length < page.count || !page.items.every(isPlainFolder)) return undefined
        const below = page.items.map(({ name }) => `${folder}${name}/`)
        found.push(...below)
        waiting.push(...below)
        token = page.next
        ctx.progress()
      } while (token !== undefined)
    }
    return found.toReversed()
  }
}

/** Whether an entry is a folder whose name is a single part of a path: any other name would lead out of the container. */
function isPlainFolder({ name, isDirectory }: FolderItem): boolean {
  return isDirectory && isListedName(name)
}

/** The path of a container. Code `invalid_argument` for an invalid name. */
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
