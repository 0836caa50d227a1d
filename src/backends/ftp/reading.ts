import { onAbort } from '../../core/abort.ts'
import { BytesBody, readBytes, StreamBody } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import type { ByteRange, ReadResult, Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import { askAhead } from './data-connection.ts'
import { explained } from './diagnosis.ts'
import { type Download, startDownload } from './download.ts'
import { isRefusal } from './errors.ts'
import { pathOf } from './paths.ts'
import type { SessionTask } from './sessions.ts'
import { overWorking, type Slot } from './slots.ts'
import { statPath } from './stat.ts'

/** Maximum size in bytes of a file that is received before `read` returns, so that its connection is free at once. */
const AT_ONCE = 256 * 1024

/** Reads a file or a range of it. The connection of a larger one is in use until the body has ended. */
export function reading(key: string, range: Partial<ByteRange>, ctx: CallContext): SessionTask<ReadResult> {
  return async (slot, keep) => {
    const path = pathOf(slot.connection, key)
    const stat = await statPath(slot.connection, path, ctx, askAhead)
    if (stat.isDirectory) throw new StorageError('is_directory', 'It is a folder.')
    const { size } = stat
    const { start = 0, end = size } = range
    if (start >= size && !(start === 0 && size === 0)) {
      throw new StorageError('invalid_range', `The range begins at byte ${start} of ${size}.`)
    }
    const limit = Math.min(end, size) - start
    if (limit === 0) return { body: new BytesBody(Buffer.alloc(0)), stat }
    const download = await begun(slot, path, { start, limit }, stat, ctx)
    // The reader may cancel it before its end.
    void download.over.then(keep())
    if (limit > AT_ONCE) return { body: new StreamBody(download), stat, continues: true }
    const off = onAbort(ctx.signal, () => download.destroy(ctx.signal.reason))
    try {
      const bytes = await readBytes({ body: new StreamBody(download) })
      return { body: new BytesBody(bytes), stat, continues: true }
    } finally {
      off()
    }
  }
}

/** Begins at an offset if the server supports this; otherwise the bytes before are also received. */
async function begun(
  slot: Slot,
  path: string,
  { start, limit }: { readonly start: number; readonly limit: number },
  { size }: Stat,
  ctx: CallContext,
): Promise<Download> {
  const plan = { command: `RETR ${path}`, limit, touch: () => slot.touch() }
  const { server } = slot.connection
  try {
    if (start > 0 && canRestart(slot.connection)) {
      try {
        return await startDownload(slot.connection, { ...plan, restart: start, length: size - start }, ctx.signal)
      } catch (error) {
        if (!isRefusal(error) || error.verb !== 'REST' || error.status < 500) throw error
        server.restarts = false
      }
    }
    return await startDownload(slot.connection, { ...plan, skip: start, length: size }, ctx.signal)
  } catch (error) {
    if (!isRefusal(error, 550, 450) || error.verb !== 'RETR') throw error
    throw await overWorking(slot, ctx, connection => explained(connection, path, error, ctx))
  }
}

/** Whether the server can start in the middle of a file, as it announces or as was found out. (RFC 3659, section 5) */
function canRestart({ features, server }: FtpConnection): boolean {
  return server.restarts !== false && (features.size === 0 || /stream/i.test(features.get('REST') ?? ''))
}
