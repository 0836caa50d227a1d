import { BytesBody, readBytes, StreamBody } from '../../core/body.ts'
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
import type { FolderItem } from '../../remote/folder-items.ts'
import { type Lease, Pool } from '../../remote/pool.ts'
import { TreeListing } from '../../remote/tree-listing.ts'
import type { CommonOptions } from '../../storage/common-settings.ts'
import { newSpool } from '../../storage/spooled.ts'
import { Connector, type FtpConnection, type ServerOptions } from './connection.ts'
import { diagnosis, explained } from './diagnosis.ts'
import { startDownload } from './download.ts'
import { classifyFtp, isLost, isRefusal, isServerFull, isUnknownCommand, notFound, saysMissing } from './errors.ts'
import { enterFolder, leaveFolder, readEntered } from './folder.ts'
import { makeFolders } from './making-folders.ts'
import { checkBlanks, checkKey, pathOf } from './paths.ts'
import { kindOf, rename } from './renaming.ts'
import type { ServerMemory } from './server.ts'
import { statPath } from './stat.ts'
import { removeLeftovers, upload } from './upload.ts'

/** Bytes up to which a file is received before `read` returns, so that its connection is free at once. */
const AT_ONCE = 256 * 1024

/** What the driver needs of the storage's options. */
export interface FtpDriverOptions extends ServerOptions, Pick<CommonOptions, 'baseUrl' | 'maxMemorySize' | 'tempDir'> {
  readonly poolSize: number
  readonly idleSecs: number
}

/**
 * Files of an FTP server. Each write goes to a temporary file beside its target and is renamed. Nothing is created exclusively, since FTP has no command
 * for that. Connections are pooled; one that rests does not keep the process alive.
 */
export class FtpDriver implements Driver {
  readonly name = 'ftp'
  readonly features: Features = {
    ranges: true,
    exclusiveCreate: false,
    ifMatch: false,
    metadata: false,
    listRange: true,
  }
  /** Present when there is a `baseUrl`. */
  readonly publicUrl?: (key: string) => string
  readonly #options: FtpDriverOptions
  readonly #pool: Pool<FtpConnection>
  readonly #listing: TreeListing

  constructor(options: FtpDriverOptions) {
    const { baseUrl, poolSize, idleSecs } = options
    this.#options = options
    const server: ServerMemory = { leftovers: new Set() }
    const connector = new Connector(options, server)
    this.#pool = new Pool<FtpConnection>(
      {
        async open(ctx) {
          const connection = await connector.open(ctx)
          await removeLeftovers(connection, ctx.signal)
          return connection
        },
        isUsable: ({ control }) => control.isUsable,
        close: ({ control }) => control.close(),
        isFull: isServerFull,
        rest: ({ control }) => void control.socket.unref(),
        wake: ({ control }) => void control.socket.ref(),
      },
      { size: poolSize, idleMs: idleSecs * 1000 },
    )
    this.#listing = new TreeListing({
      read: (prefix, ctx) => this.#folder(prefix, ctx),
      look: (key, ctx) => this.#look(key, ctx),
      classify: classifyFtp,
    })
    if (baseUrl !== null) this.publicUrl = key => joinUrl(baseUrl, key)
  }

  /** Size and time; for a folder `isDirectory`. */
  async stat(key: string, ctx: CallContext): Promise<Stat> {
    return this.#use(key, ctx, async ({ connection }) => {
      const stat = await statPath(connection, pathOf(connection, key), ctx)
      if (key.endsWith('/') && stat.isDirectory !== true) throw notFound()
      return stat
    })
  }

  /** A small file is received at once; the connection of a larger one is in use until its body has ended. */
  async read(key: string, options: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const { range, ifMatch, versionId } = options
    if (ifMatch !== undefined || versionId !== undefined) throw unsupported('FTP has neither conditions nor versions.')
    return this.#leased(key, ctx, async (lease, keep) => {
      const path = pathOf(lease.connection, key)
      const stat = await statPath(lease.connection, path, ctx)
      if (stat.isDirectory) throw new StorageError('is_directory', 'It is a folder.')
      const { size } = stat
      const { start = 0, end = size } = range ?? {}
      if (start >= size && !(start === 0 && size === 0)) {
        throw new StorageError('invalid_range', `The range begins at byte ${start} of ${size}.`)
      }
      const wanted = Math.min(end, size) - start
      if (wanted === 0) return { body: new BytesBody(Buffer.alloc(0)), stat, continues: true }
      const restarts = start === 0 || canRestart(lease.connection)
      const download = await startDownload(
        lease.connection,
        {
          command: `RETR ${path}`,
          restart: restarts ? start : undefined,
          skip: restarts ? undefined : start,
          length: restarts ? size - start : size,
          limit: wanted,
          touch: () => lease.touch(),
        },
        ctx.signal,
      ).catch(async error => {
        throw isRefusal(error, 550, 450) ? await explained(lease.connection, path, error, ctx) : error
      })
      if (wanted > AT_ONCE) {
        void download.over.then(keep())
        return { body: new StreamBody(download), stat, continues: true }
      }
      const bytes = await readBytes({ body: new StreamBody(download) })
      ctx.progress()
      await download.over
      return { body: new BytesBody(bytes), stat, continues: true }
    })
  }

  /** Makes missing folders; a file in their way is `not_a_directory`. `extra.modifiedAt` is the time that the file gets, where the server sets it. */
  async write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    const { ifAbsent, ifMatch, isNew = false, onProgress } = options
    if (ifAbsent === true || ifMatch !== undefined) throw unsupported('FTP has no conditions.')
    const modifiedAt = modifiedAtOf(options)
    return this.#use(key, ctx, async lease => {
      const size = await upload(lease, pathOf(lease.connection, key), content, { isNew, modifiedAt, onProgress }, ctx)
      return { size }
    })
  }

  /** Removes a file or an empty folder; a folder that is not empty is `is_directory`. */
  async delete(key: string, ctx: CallContext): Promise<void> {
    if (key === '') throw new StorageError('invalid_argument', 'The name must be given to delete().')
    await this.#use(key, ctx, ({ connection }) => remove(connection, key, ctx))
  }

  /** One page in the order of the keys' UTF-8 bytes; see `TreeListing`. */
  async list(prefix: string, page: PageRequest, ctx: CallContext): Promise<Page> {
    ctx.signal.throwIfAborted()
    return this.#listing.page(prefix, page, ctx)
  }

  /** Copies through this machine, since FTP cannot: one connection at a time, by a spool. */
  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    const { body, stat } = await this.read(from, {}, ctx)
    const spool = newSpool(this.#options)
    try {
      await spool.fill(body.stream() as AsyncIterable<Uint8Array>, ctx)
      if (stat?.size !== undefined && spool.knownSize !== stat.size) throw new StorageError('unavailable', 'It broke.')
      return await this.write(to, spool.asContent(), options, ctx)
    } finally {
      await spool.dispose()
    }
  }

  /** Renames. */
  async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<undefined> {
    const { ifAbsent, ifMatch, isNew = false } = options
    if (ifAbsent === true || ifMatch !== undefined) throw unsupported('FTP has no conditions.')
    checkKey(to, this.#options.encoding)
    return this.#use(from, ctx, async lease => {
      await checkBlanks(lease.connection, to, ctx)
      const [source, target] = [pathOf(lease.connection, from), pathOf(lease.connection, to)]
      const kind = await kindOf(lease.connection, source, ctx)
      if (kind === undefined) throw notFound()
      if (kind === 'folder') throw new StorageError('is_directory', 'It is a folder.')
      if (source !== target) await rename(lease, { from: source, to: target, isNew }, ctx)
      return undefined
    })
  }

  /** Where a key lies: the same text for two storages of one folder. */
  async address(key: string): Promise<string> {
    const { location, port } = this.#options
    const root = location.isAbsolute ? '' : '~'
    return `${location.user}@${location.host}:${port} ${[root, ...location.folders, key].join('/')}`
  }

  /** Makes the folder. */
  async createContainer(ctx: CallContext): Promise<void> {
    await this.#use('', ctx, async ({ connection }) => {
      if (connection.root !== '') await makeFolders(connection, connection.root, ctx)
    })
  }

  /** Closes the connections that rest, and the others when they are free. */
  async close(): Promise<void> {
    this.#listing.close()
    await this.#pool.close()
  }

  classify(error: unknown): ErrorCode | undefined {
    return classifyFtp(error)
  }

  #use<T>(key: string, ctx: CallContext, task: (lease: Lease<FtpConnection>) => Promise<T>): Promise<T> {
    return this.#leased(key, ctx, task)
  }

  /**
   * Runs a task over a connection. One that has rested may be gone without a word: where its first command gets no answer, another one takes its place.
   * `keep` makes the lease outlive the task; it returns what ends it.
   */
  async #leased<T>(
    key: string,
    ctx: CallContext,
    task: (lease: Lease<FtpConnection>, keep: () => () => void) => Promise<T>,
  ): Promise<T> {
    ctx.signal.throwIfAborted()
    checkKey(key, this.#options.encoding)
    const lease = await this.#pool.lease(ctx)
    let isKept = false
    const keep = (): (() => void) => {
      isKept = true
      return () => lease.release()
    }
    const run = async (): Promise<T> => {
      await checkBlanks(lease.connection, key, ctx)
      return task(lease, keep)
    }
    try {
      const { control } = lease.connection
      const { answers } = control
      const isFresh = lease.connection.uses++ === 0
      try {
        return await run()
      } catch (error) {
        const isStale = isLost(error) && control.answers <= answers + (isRefusal(error, 421) ? 1 : 0)
        if (isFresh || !isStale || ctx.signal.aborted) throw error
        await lease.renew(ctx)
        return await run()
      }
    } finally {
      if (!isKept) lease.release()
    }
  }

  async *#folder(prefix: string, ctx: CallContext): AsyncGenerator<readonly FolderItem[]> {
    const { connection, release } = await this.#leased(prefix, ctx, async ({ connection }, keep) => {
      await enterListed(connection, pathOf(connection, prefix), ctx)
      return { connection, release: keep() }
    })
    try {
      yield* readEntered(connection, ctx)
    } finally {
      if (connection.control.isUsable) await leaveFolder(connection, ctx).catch(() => connection.control.close())
      release()
    }
  }

  /** Of a link what it leads to. */
  async #look(key: string, ctx: CallContext): Promise<Stat | undefined> {
    try {
      return await this.stat(key, ctx)
    } catch (error) {
      if (isStorageError(error, 'not_found')) return undefined
      throw error
    }
  }
}

/** Goes into a folder; `not_found` also for a file. */
async function enterListed(connection: FtpConnection, path: string, ctx: CallContext): Promise<void> {
  // Pure-FTPd answers each further one later, and then not at all.
  if (connection.wasRefused && connection.features.has('MLST') && (await kindOf(connection, path, ctx)) !== 'folder') {
    throw notFound()
  }
  try {
    await enterFolder(connection, path, ctx)
  } catch (error) {
    if (!isRefusal(error, 550, 450)) throw error
    connection.wasRefused = true
    const found = await diagnosis(connection, path, error, ctx)
    if (found === 'missing' || found === 'closed file') throw notFound()
    // It was made meanwhile, or it is forbidden.
    if (found === 'folder') await enterFolder(connection, path, ctx)
    else throw error
  }
}

async function remove(connection: FtpConnection, key: string, ctx: CallContext): Promise<void> {
  const path = pathOf(connection, key)
  const { control } = connection
  try {
    if (!key.endsWith('/')) return void (await control.request(`DELE ${path}`, ctx.signal))
  } catch (error) {
    if (saysMissing(error)) return
    if (!isRefusal(error) || error.status === 421 || isUnknownCommand(error)) throw error
    const kind = await kindOf(connection, path, ctx)
    if (kind === undefined) return
    if (kind === 'file') throw error
  }
  try {
    await control.request(`RMD ${path}`, ctx.signal)
  } catch (error) {
    if (saysMissing(error)) return
    if (!isRefusal(error) || error.status === 421) throw error
    const kind = await kindOf(connection, path, ctx)
    if (kind === 'folder') throw new StorageError('is_directory', 'The folder is not empty, or may not be removed.')
  }
}

/** Whether the server begins a file in its middle: what it says, where it says anything. (RFC 3659, section 5) */
function canRestart({ features }: FtpConnection): boolean {
  return features.size === 0 || /stream/i.test(features.get('REST') ?? '')
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
