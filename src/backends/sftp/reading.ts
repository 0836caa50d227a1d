import { BytesBody, StreamBody } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import type { ByteRange, ReadOptions, ReadResult, ReadStat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { Lease } from '../../remote/pool.ts'
import type { Attributes } from '../../remote/ssh/ssh2.ts'
import { openForReading } from './access.ts'
import { describe, isSettled, sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { refused } from './folders.ts'
import type { Ground } from './ground.ts'
import { PieceReader, readAll, readerStream, readOnce } from './reader.ts'
import type { Place } from './root.ts'

/** Maximum size in bytes of a read without a stream. */
const SMALL_READ = 262_144

/** Reads files, or ranges of them. */
export class Reading {
  readonly #ground: Ground

  constructor(ground: Ground) {
    this.#ground = ground
  }

  async read(key: string, { range, ifMatch }: ReadOptions, ctx: CallContext): Promise<ReadResult> {
    const { root, sessions, folders } = this.#ground
    if (ifMatch !== undefined)
      throw new StorageError('unsupported', 'SFTP has no etags, so no version can be asked for.')
    const place = root.place(key)
    return sessions.lease(ctx, async lease => {
      const { handle, attributes } = await openForReading(folders, lease.connection, place, ctx)
      let isOpen = true
      const done = (): void => {
        if (isOpen) void sessions.closeRead(lease, handle)
        isOpen = false
      }
      try {
        return await this.#readOpen(lease, handle, attributes, place, range, ctx, done)
      } catch (error) {
        done()
        throw error
      }
    })
  }

  async #readOpen(
    lease: Lease<Channel>,
    handle: Buffer,
    seen: Attributes,
    place: Place,
    range: ByteRange = { start: 0 },
    ctx: CallContext,
    done: () => void,
  ): Promise<ReadResult> {
    const channel = lease.connection
    const { start, end } = range
    const told = sizeIn(seen)
    const expected = told === undefined ? undefined : Math.min(end ?? told, told)
    const { signal } = ctx
    const reader = new PieceReader(channel, handle, { start, end, expected, signal })
    const looking = channel.fstat(handle, signal).catch(refused)
    if (told !== undefined && expected! - start <= SMALL_READ) {
      const [looked, bytes] = await Promise.all([looking, readAll(reader)])
      done()
      ctx.progress()
      const isWhole = start === 0 && end === undefined
      const stat = statOf(looked, seen, place)
      // A complete read determines the size, even if the server reports another one.
      if (isWhole) return { body: new BytesBody(bytes), stat: { ...stat, size: bytes.byteLength } }
      if (bytes.byteLength === 0 && start > 0) throw beyond(place.key, start)
      return { body: new BytesBody(bytes), stat }
    }
    const probing = hasSize(channel, handle, told, signal)
    const [looked, isRight, isEmpty] = await Promise.all([looking, probing, reader.isEmpty()])
    const stat = statOf(looked, seen, place)
    if (start > 0 && isEmpty) throw beyond(place.key, start)
    const stream = readerStream(reader, channel.piece, done, () => lease.touch())
    return {
      body: new StreamBody(stream),
      stat: isRight ? stat : { ...stat, size: undefined },
      continues: !(looked instanceof Error) && isSettled(looked),
    }
  }
}

function statOf(looked: Attributes | Error, seen: Attributes, { base }: Place): ReadStat {
  const attributes = looked instanceof Error ? seen : looked
  return { ...describe(attributes, base), size: sizeIn(attributes) ?? sizeIn(seen) }
}

/** Whether a file ends at the server's size: the last byte exists, and none after it. */
async function hasSize(
  channel: Channel,
  handle: Buffer,
  size: number | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (size === undefined || size === 0) return false
  return (await readOnce(channel, handle, size - 1, 2, signal)).byteLength === 1
}

function beyond(key: string, start: number): StorageError {
  return new StorageError('invalid_range', `'${key}' has fewer than ${start + 1} bytes.`)
}
