import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type {
  Driver,
  Features,
  Page,
  PageRequest,
  ReadOptions,
  ReadResult,
  Stat,
  WriteOptions,
} from '../../core/driver.ts'
import { type ErrorCode, isStorageError, StorageError } from '../../core/errors.ts'
import { joinUrl } from '../../core/urls.ts'
import { loginName } from '../../remote/ssh/home.ts'
import { TreeListing } from '../../remote/tree-listing.ts'
import { lookAt } from './access.ts'
import { describe, folderStat, sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { DirectWrites } from './direct-writes.ts'
import { classifySftp } from './errors.ts'
import { type Ground, groundOf, type SftpDriverOptions } from './ground.ts'
import { FolderReader } from './listing.ts'
import { measured } from './measure.ts'
import { Opening } from './opening.ts'
import { Reading } from './reading.ts'
import { remove } from './removal.ts'
import { setTime } from './times.ts'
import { Transfers } from './transfers.ts'
import { Writing } from './writing.ts'

/**
 * Files below one folder of a server, over SFTP version 3. Every write goes to a temporary file beside its target, which is published with
 * one rename or link, unless `directWrite` is on. Symbolic links are followed only if they stay inside the folder.
 */
export class SftpDriver implements Driver {
  readonly name = 'sftp'
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: true,
    ifMatch: false,
    metadata: false,
    listRange: true,
    rereads: 'maybe',
  }
  /** Present if there is a `baseUrl`. */
  readonly publicUrl?: (key: string) => string
  /** Absent with `directWrite`. */
  readonly openHandle?: NonNullable<Driver['openHandle']>
  /** Copies on the server if it supports this, otherwise through this machine. Absent with `directWrite`. */
  readonly copy?: NonNullable<Driver['copy']>
  /** Renames the file. Absent with `directWrite`. */
  readonly move?: NonNullable<Driver['move']>
  readonly #ground: Ground
  /** User, host and port. */
  readonly #account: string
  readonly #reading: Reading
  readonly #writing: Writing | DirectWrites
  readonly #listing: TreeListing

  constructor(options: SftpDriverOptions) {
    const { baseUrl, directWrite, params, env, host } = options
    const ground = groundOf(options)
    this.#ground = ground
    this.#account = `${params.username ?? loginName(env)}@${host.toLowerCase()}:${params.port}`
    this.#reading = new Reading(ground)
    const writing = new Writing(ground)
    this.#writing = directWrite ? new DirectWrites(ground) : writing
    this.#listing = new TreeListing(new FolderReader(ground, (key, ctx) => this.stat(key, ctx)))
    if (baseUrl !== null) this.publicUrl = key => joinUrl(baseUrl, key)
    if (directWrite) return
    const opening = new Opening(ground)
    const transfers = new Transfers(ground, writing)
    this.openHandle = async (key, flags, _given, ctx) => opening.open(key, flags, ctx)
    this.copy = async (from, to, given, ctx) => transfers.copy(from, to, given, ctx)
    this.move = async (from, to, given, ctx) => transfers.move(from, to, given, ctx)
  }

  /** Times and size; for a folder `isDirectory`. */
  async stat(key: string, ctx: CallContext): Promise<Stat> {
    const { root, folders } = this.#ground
    return this.#use(ctx, async channel => {
      if (key === '') return folderStat(await channel.stat(root.path, ctx.signal))
      const place = root.place(key)
      const { attributes, kind } = await lookAt(folders, channel, place, ctx.signal)
      if (kind === 'folder') return folderStat(attributes)
      if (key.endsWith('/')) throw new StorageError('not_found', `There is no folder '${key}'.`)
      const size = sizeIn(attributes) ?? (await measured(channel, place.path, kind, ctx.signal))
      return { ...describe(attributes, place.base), size }
    })
  }

  /** Small files are read at once. A `start` after the last byte is `invalid_range`. */
  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    ctx.signal.throwIfAborted()
    return this.#reading.read(key, options, ctx)
  }

  /** Makes missing folders; a file in their place is `not_a_directory`. The new file gets the mode of a file that it replaces. */
  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    ctx.signal.throwIfAborted()
    if (options.ifMatch !== undefined)
      throw new StorageError('unsupported', 'SFTP has no etags, so no version can be replaced by one.')
    return this.#writing.write(key, content, options, ctx)
  }

  /** Removes a file, a link (never its target) or an empty folder. A folder with files is `is_directory`. */
  async delete(key: string, ctx: CallContext): Promise<void> {
    const { root, folders } = this.#ground
    if (key === '') throw new StorageError('invalid_argument', 'The name must be given to delete().')
    const place = root.place(key)
    await this.#use(ctx, async channel => {
      try {
        await folders.find(channel, place.folders, ctx.signal)
      } catch (error) {
        if (isStorageError(error, 'not_found')) return
        throw error
      }
      await remove(channel, place.path, key.endsWith('/'), ctx.signal)
    })
  }

  /** One page in the order of the keys' UTF-8 bytes; see `TreeListing`. */
  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    ctx.signal.throwIfAborted()
    return this.#listing.page(prefix, page, ctx)
  }

  /** In whole seconds, from 1970 to 2106; the time of the last access stays. */
  async setModifiedAt(key: string, time: Date, ctx: CallContext): Promise<void> {
    const { root, folders } = this.#ground
    const place = root.place(key)
    await this.#use(ctx, channel => setTime(folders, channel, place, time, ctx))
  }

  /** The address of a key: the same text for two storages of one folder. */
  async address(key: string): Promise<string> {
    return `${this.#account} ${this.#ground.root.place(key).path}`
  }

  /** Makes the folder. */
  async createContainer(ctx: CallContext): Promise<void> {
    await this.#use(ctx, channel => this.#ground.folders.make(channel, [], true, ctx.signal))
  }

  /** Ends the connections after their pending requests have ended. */
  async close(): Promise<void> {
    this.#listing.close()
    await this.#ground.sessions.close()
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifySftp(error)
  }

  async #use<T>(ctx: CallContext, task: (channel: Channel) => Promise<T>): Promise<T> {
    ctx.signal.throwIfAborted()
    return this.#ground.sessions.use(ctx, task)
  }
}
