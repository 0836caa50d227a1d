import type { CallContext } from '../../core/call.ts'
import { type Content, contentChunks } from '../../core/content.ts'
import type { Stat, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { probed } from './access.ts'
import { kindOf, MODE_BITS } from './attributes.ts'
import type { Channel } from './channel.ts'
import { SftpError } from './errors.ts'
import { type FinishOptions, finishTemporary } from './finishing.ts'
import { refused } from './folders.ts'
import type { Ground } from './ground.ts'
import type { Place } from './root.ts'
import { notApplied, withTemporary } from './temporary.ts'
import { PieceWriter } from './writer.ts'

/** Writes files through a temporary file. */
export class Writing {
  readonly #ground: Ground

  constructor(ground: Ground) {
    this.#ground = ground
  }

  write(key: string, content: Content, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    return this.put(key, options, ctx, (writer, onProgress) => fill(writer, content, onProgress, ctx))
  }

  /** Publishes the file that `work` writes. */
  async put(
    key: string,
    { ifAbsent, onProgress }: WriteOptions,
    ctx: CallContext,
    work: (
      writer: PieceWriter,
      onProgress: WriteOptions['onProgress'],
      channel: Channel,
      handle: Buffer,
    ) => Promise<void>,
    oldMode?: number,
  ): Promise<Stat> {
    const place = this.#ground.root.place(key)
    return this.#ground.sessions.use(ctx, async channel => {
      const mode = oldMode ?? (ifAbsent === true ? undefined : await this.oldMode(channel, place, ctx))
      const options: FinishOptions = { ifAbsent: ifAbsent === true, oldMode: mode }
      const attributes = this.#ground.ownership.newFile(mode)
      return withTemporary(this.#ground, channel, place, attributes, ctx, async temporary => {
        const writer = new PieceWriter(channel, temporary.handle, 0)
        await work(writer, onProgress, channel, temporary.handle).catch(error => {
          throw notApplied(error)
        })
        return finishTemporary(this.#ground, channel, temporary, writer, place, options, ctx)
      })
    })
  }

  /** The permission bits of the replaced file, if the settings have none. A folder is `is_directory`. */
  async oldMode(channel: Channel, place: Place, { signal }: CallContext): Promise<number | undefined> {
    const found = await channel.lstat(place.path, signal).catch(refused)
    if (found instanceof SftpError) return undefined
    const kind = kindOf(found) ?? (await probed(channel, place.path, signal))
    if (kind === 'folder') throw new StorageError('is_directory', `'${place.base}' is a directory.`)
    const isOurs = kind === 'file' && !this.#ground.ownership.setsMode
    return isOurs && found.mode !== undefined ? found.mode & MODE_BITS : undefined
  }
}

/** Writes content, piece by piece or directly from memory. */
export async function fill(
  writer: PieceWriter,
  content: Content,
  onProgress: WriteOptions['onProgress'],
  ctx: CallContext,
): Promise<void> {
  const { bytes } = content
  if (bytes === undefined) {
    for await (const chunk of contentChunks(content, ctx, onProgress)) await writer.add(chunk, ctx)
    return
  }
  await writer.addWhole(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), ctx)
  onProgress?.(bytes.byteLength)
}
