import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import type { Stat, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { describe, kindOf } from './attributes.ts'
import type { Channel } from './channel.ts'
import { SftpError } from './errors.ts'
import { completed } from './finishing.ts'
import { refused } from './folders.ts'
import type { Ground } from './ground.ts'
import { OPEN } from './open-flags.ts'
import { openNew } from './publication.ts'
import type { Place } from './root.ts'
import { soon } from './sessions.ts'
import { dropTemporary, inFolder, notApplied, type Temporary } from './temporary.ts'
import { PieceWriter } from './writer.ts'
import { fill } from './writing.ts'

/** Writes files directly under their own names, for servers without renaming. A failed write removes the file; an old file is lost then. */
export class DirectWrites {
  readonly #ground: Ground

  constructor(ground: Ground) {
    this.#ground = ground
  }

  async write(key: string, content: Content, { ifAbsent, onProgress }: WriteOptions, ctx: CallContext): Promise<Stat> {
    const { root, sessions, ownership } = this.#ground
    const place = root.place(key)
    return sessions.use(ctx, async channel => {
      if (ifAbsent !== true) await this.#mayReplace(channel, place, ctx)
      const attributes = ownership.newFile(undefined)
      const handle = await inFolder(this.#ground, channel, place, ctx, () =>
        ifAbsent === true
          ? openNew(channel, place, attributes)
          : channel.open(place.path, OPEN.write | OPEN.create | OPEN.truncate, attributes, ctx.signal).catch(error => {
              throw channel.openError(error)
            }),
      )
      const file: Temporary = { path: place.path, handle, isClosed: false }
      try {
        const writer = new PieceWriter(channel, handle, 0)
        await fill(writer, content, onProgress, ctx)
        const own = await completed(this.#ground, channel, file, writer, ctx)
        // Sends no request after this: a program on the server may have taken the file away.
        return { ...describe(own, place.base), size: writer.position }
      } catch (error) {
        await soon(dropTemporary(this.#ground, channel, file))
        throw ifAbsent === true ? notApplied(error) : error
      }
    })
  }

  /**
   * Checks the target: a folder is `is_directory`, and a link is followed only if it stays inside. If the server does not report the kind,
   * the write is allowed.
   */
  async #mayReplace(channel: Channel, place: Place, { signal }: CallContext): Promise<void> {
    const found = await channel.lstat(place.path, signal).catch(refused)
    const kind = found instanceof SftpError ? undefined : kindOf(found)
    if (kind === 'folder') throw new StorageError('is_directory', `'${place.base}' is a directory.`)
    if (kind === 'link') await this.#ground.folders.links.confine(channel, place.path, signal)
  }
}
