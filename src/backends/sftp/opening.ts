import type { CallContext } from '../../core/call.ts'
import type { HandleFlags, RandomAccess } from '../../core/driver.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import type { Lease } from '../../remote/pool.ts'
import type { Attributes } from '../../remote/ssh/ssh2.ts'
import { type Looked, lookAt, mustBeFile, openForReading, probed } from './access.ts'
import { isSettled, kindOf, MODE_BITS, sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { copyPlace } from './copying.ts'
import { isMissing, SftpError } from './errors.ts'
import { refused } from './folders.ts'
import type { Ground } from './ground.ts'
import { OPEN } from './open-flags.ts'
import { type OpenedFile, ReadHandle } from './read-handle.ts'
import type { Place } from './root.ts'
import { soon } from './sessions.ts'
import { dropTemporary, inFolder, notApplied, openTemporary } from './temporary.ts'
import { WriteHandle } from './write-handle.ts'
import { PieceWriter } from './writer.ts'

/** Opens files: to read them in place, or to write a temporary file. */
export class Opening {
  readonly #ground: Ground

  constructor(ground: Ground) {
    this.#ground = ground
  }

  open(key: string, flags: HandleFlags, ctx: CallContext): Promise<RandomAccess> {
    const { root, sessions, folders } = this.#ground
    const place = root.place(key)
    return sessions
      .lease(ctx, async lease => {
        if (flags.write) return this.#write(lease, place, flags, ctx)
        const { handle, attributes } = await openForReading(folders, lease.connection, place, ctx)
        const again = isSettled(attributes) ? this.#again(place, attributes) : undefined
        return new ReadHandle(sessions, { lease, handle }, sizeIn(attributes), again)
      })
      .catch(error => {
        throw notApplied(error)
      })
  }

  /**
   * Without `truncate` the handle starts with the old bytes. Without an old file, a new file of another client is not replaced. A replaced
   * file passes its mode to the new one. With `exclusive` an existing name is `exists`, now or at `commit`.
   */
  async #write(lease: Lease<Channel>, place: Place, flags: HandleFlags, ctx: CallContext): Promise<RandomAccess> {
    const channel = lease.connection
    if (flags.exclusive || flags.truncate) {
      const found = await channel.lstat(place.path, ctx.signal).catch(refused)
      const isThere = !(found instanceof SftpError)
      const kind = isThere ? (kindOf(found) ?? (await probed(channel, place.path, ctx.signal))) : undefined
      if (kind === 'folder') throw new StorageError('is_directory', `'${place.base}' is a directory.`)
      if (flags.exclusive && isThere) throw new StorageError('exists', `'${place.base}' exists.`)
      const old = kind === 'file' && isThere ? found.mode : undefined
      return this.#fresh(lease, place, old, flags.exclusive, ctx)
    }
    const source = await lookAt(this.#ground.folders, channel, place, ctx.signal).catch(error => {
      const isGone = isMissing(error) || isStorageError(error, 'not_found')
      if (!isGone || !flags.create) throw error
      return undefined
    })
    if (source === undefined) return this.#fresh(lease, place, undefined, true, ctx)
    return this.#changed(lease, place, source, ctx)
  }

  async #fresh(
    lease: Lease<Channel>,
    place: Place,
    mode: number | undefined,
    isNew: boolean,
    ctx: CallContext,
  ): Promise<WriteHandle> {
    const oldMode = this.#kept(mode)
    const attributes = this.#ground.ownership.newFile(oldMode)
    const temporary = await inFolder(this.#ground, lease.connection, place, ctx, () =>
      openTemporary(this.#ground, lease.connection, place, attributes, ctx, OPEN.read | OPEN.write),
    )
    const options = { ifAbsent: isNew, oldMode }
    return new WriteHandle(this.#ground, lease, { temporary, target: place, size: 0, isDirty: true, options })
  }

  async #changed(lease: Lease<Channel>, place: Place, source: Looked, ctx: CallContext): Promise<WriteHandle> {
    mustBeFile(source.kind, place)
    const channel = lease.connection
    const oldMode = this.#kept(source.isLink ? undefined : source.attributes.mode)
    const attributes = this.#ground.ownership.newFile(oldMode)
    const temporary = await openTemporary(this.#ground, channel, place, attributes, ctx, OPEN.read | OPEN.write)
    try {
      const writer = new PieceWriter(channel, temporary.handle, 0)
      await copyPlace(this.#ground, channel, place, temporary.handle, writer, ctx)
      const options = { ifAbsent: false, oldMode }
      const size = writer.position
      return new WriteHandle(this.#ground, lease, { temporary, target: place, size, isDirty: false, options })
    } catch (error) {
      await soon(dropTemporary(this.#ground, channel, temporary))
      throw error
    }
  }

  /** Opens the same version of a file on another session. Code `precondition_failed` if the version has changed. */
  #again(place: Place, version: Attributes): (ctx: CallContext) => Promise<OpenedFile> {
    const { sessions, folders } = this.#ground
    return ctx =>
      sessions.lease(ctx, async lease => {
        const { handle } = await openForReading(folders, lease.connection, place, ctx)
        const found = await lease.connection.fstat(handle, ctx.signal)
        if (found.size === version.size && found.mtime === version.mtime) return { lease, handle }
        await sessions.closeRead(lease, handle)
        throw new StorageError('precondition_failed', `'${place.key}' has changed since it was opened.`)
      })
  }

  /** The mode bits that a file passes to its replacement, if the settings have none. */
  #kept(mode: number | undefined): number | undefined {
    return mode === undefined || this.#ground.ownership.setsMode ? undefined : mode & MODE_BITS
  }
}
