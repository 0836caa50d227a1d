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
import { TreeListing } from '../../remote/tree-listing.ts'
import type { CommonOptions } from '../../storage/common-settings.ts'
import { newSpool } from '../../storage/spooled.ts'
import { checkBlanks, checkNewBlanks } from './blanks.ts'
import { classifyFtp, notFound } from './errors.ts'
import { listFolder } from './listing.ts'
import { makeFolders } from './making-folders.ts'
import { checkKey, pathOf } from './paths.ts'
import { reading } from './reading.ts'
import { remove } from './removal.ts'
import { rename } from './renaming.ts'
import { type SessionOptions, Sessions } from './sessions.ts'
import { statPath } from './stat.ts'
import { setTime } from './time.ts'
import { upload } from './upload.ts'

/** The options of the storage that the driver needs. */
export interface FtpDriverOptions
  extends SessionOptions,
    Pick<CommonOptions, 'baseUrl' | 'maxMemorySize' | 'tempDir'> {}

/**
 * Files of an FTP server. Each write goes to a temporary file beside its target, which is then renamed. Exclusive creation is not
 * supported, since FTP has no command for it. Connections are pooled; an idle one does not keep the process alive.
 */
export class FtpDriver implements Driver {
  readonly name = 'ftp'
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: false,
    ifMatch: false,
    metadata: false,
    listRange: true,
    rereads: 'always',
  }
  /** Present if there is a `baseUrl`. */
  readonly publicUrl?: (key: string) => string
  readonly #options: FtpDriverOptions
  readonly #sessions: Sessions
  readonly #listing: TreeListing

  constructor(options: FtpDriverOptions) {
    const { baseUrl } = options
    this.#options = options
    this.#sessions = new Sessions(options)
    this.#listing = new TreeListing({
      read: (prefix, ctx) => listFolder(this.#sessions, prefix, ctx),
      look: (key, ctx) => this.#look(key, ctx),
      classify: classifyFtp,
      // Syncing and deleting by a listing require a complete listing.
      isStrict: true,
    })
    if (baseUrl !== null) this.publicUrl = key => joinUrl(baseUrl, key)
  }

  /** Size and time; for a folder `isDirectory`. */
  async stat(key: string, ctx: CallContext): Promise<Stat> {
    return this.#sessions.run(key, ctx, async ({ connection }) => {
      const stat = await statPath(connection, pathOf(connection, key), ctx)
      if (key.endsWith('/') && stat.isDirectory !== true) throw notFound()
      return stat
    })
  }

  /** A small file is received at once; the connection of a larger one is in use until its body has ended. */
  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const { range, ifMatch, versionId } = options
    if (ifMatch !== undefined || versionId !== undefined) throw unsupported('FTP has neither conditions nor versions.')
    return this.#sessions.run(key, ctx, reading(key, range ?? {}, ctx))
  }

  /**
   * Makes missing folders; a file in their place is `not_a_directory`. `extra.modifiedAt` sets the time of the file, if the server supports
   * it.
   */
  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    const { ifAbsent, ifMatch, isNew = false, onProgress } = options
    if (ifAbsent === true || ifMatch !== undefined) throw unsupported('FTP has no conditions.')
    const modifiedAt = modifiedAtOf(options)
    return this.#sessions.run(key, ctx, async (slot, keep) => {
      await checkNewBlanks(slot, key, ctx)
      const beside = (work: Promise<void>): void => this.#sessions.beside(work.finally(keep()))
      const how = { isNew, modifiedAt, onProgress, beside }
      return { size: await upload(slot, pathOf(slot.connection, key), content, how, ctx) }
    })
  }

  /** Removes a file or an empty folder; a folder with files is `is_directory`. */
  async delete(key: string, ctx: CallContext): Promise<void> {
    if (key === '') throw new StorageError('invalid_argument', 'The name must be given to delete().')
    const isFolder = key.endsWith('/')
    await this.#sessions.run(key, ctx, ({ connection }) =>
      remove(connection, pathOf(connection, key), { isFolder }, ctx),
    )
  }

  /** One page in the order of the keys' UTF-8 bytes; see `TreeListing`. */
  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    ctx.signal.throwIfAborted()
    return this.#listing.page(prefix, page, ctx)
  }

  /** Copies through this machine, since FTP has no copy command: with one connection at a time, and a spool. */
  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    const { body } = await this.read(from, {}, ctx)
    const spool = newSpool(this.#options)
    try {
      await spool.fill(body.stream() as AsyncIterable<Uint8Array>, ctx)
      return await this.write(to, spool.asContent(), options, ctx)
    } finally {
      await spool.dispose()
    }
  }

  /** Renames the file. */
  async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<undefined> {
    const { ifAbsent, ifMatch, isNew = false } = options
    if (ifAbsent === true || ifMatch !== undefined) throw unsupported('FTP has no conditions.')
    checkKey(to, this.#options.encoding)
    return this.#sessions.run(from, ctx, async lease => {
      await checkBlanks(lease.connection, to, ctx)
      await checkNewBlanks(lease, to, ctx)
      const [source, target] = [pathOf(lease.connection, from), pathOf(lease.connection, to)]
      const { size, isDirectory } = await statPath(lease.connection, source, ctx)
      if (isDirectory) throw new StorageError('is_directory', 'It is a folder.')
      if (source !== target) await rename(lease, { from: source, to: target, size, isNew }, ctx)
      return undefined
    })
  }

  /** In whole seconds. Looks at the file first, since a server may also set the time of a folder. */
  async setModifiedAt(key: string, time: Date, ctx: CallContext): Promise<void> {
    await this.#sessions.run(key, ctx, async ({ connection }) => {
      const path = pathOf(connection, key)
      const { isDirectory } = await statPath(connection, path, ctx)
      if (isDirectory) throw new StorageError('is_directory', 'It is a folder.')
      await setTime(connection, path, time, ctx)
    })
  }

  /** The address of a key: the same text for two storages of one folder. */
  async address(key: string): Promise<string> {
    const { location, port } = this.#options
    const root = location.isAbsolute ? '' : '~'
    return `${location.user}@${location.host}:${port} ${[root, ...location.folders, key].join('/')}`
  }

  /** Makes the folder. */
  async createContainer(ctx: CallContext): Promise<void> {
    await this.#sessions.run('', ctx, async ({ connection }) => {
      if (connection.root !== '') await makeFolders(connection, connection.root, ctx)
    })
  }

  /** Closes idle connections, and the others when they are free. */
  async close(): Promise<void> {
    this.#listing.close()
    await this.#sessions.close()
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyFtp(error)
  }

  /** For a link, the stat of its target. */
  async #look(key: string, ctx: CallContext): Promise<Stat | undefined> {
    try {
      return await this.stat(key, ctx)
    } catch (error) {
      if (isStorageError(error, 'not_found')) return undefined
      throw error
    }
  }
}

function modifiedAtOf({ extra = {} }: WriteOptions): Date | undefined {
  for (const name of Object.keys(extra)) {
    if (name !== 'modifiedAt') throw new StorageError('invalid_argument', `extra: FTP has no '${name}'.`)
  }
  const { modifiedAt } = extra
  if (modifiedAt === undefined) return undefined
  if (modifiedAt instanceof Date && !Number.isNaN(+modifiedAt)) return modifiedAt
  throw new StorageError('invalid_argument', 'extra: modifiedAt must be a Date.')
}

function unsupported(text: string): StorageError {
  return new StorageError('unsupported', text)
}
