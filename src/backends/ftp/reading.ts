import { BytesBody, readBytes, StreamBody } from '../../core/body.ts'
import type { CallContext } from '../../core/call.ts'
import type { ByteRange, ReadResult } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { FtpConnection } from './connection.ts'
import { explained } from './diagnosis.ts'
import { startDownload } from './download.ts'
import { isRefusal } from './errors.ts'
import { pathOf } from './paths.ts'
import type { SessionTask } from './sessions.ts'
import { statPath } from './stat.ts'

/** Bytes up to which a file is received before `read` returns, so that its connection is free at once. */
const AT_ONCE = 256 * 1024

/** Reads a file or a range of it. The connection of a larger one is in use until the body has ended. */
export function reading(key: string, range: Partial<ByteRange>, ctx: CallContext): SessionTask<ReadResult> {
  return async (lease, keep) => {
    const { connection } = lease
    const path = pathOf(connection, key)
    const stat = await statPath(connection, path, ctx)
    if (stat.isDirectory) throw new StorageError('is_directory', 'It is a folder.')
    const { size } = stat
    const { start = 0, end = size } = range
    if (start >= size && !(start === 0 && size === 0)) {
      throw new StorageError('invalid_range', `The range begins at byte ${start} of ${size}.`)
    }
    const limit = Math.min(end, size) - start
    if (limit === 0) return { body: new BytesBody(Buffer.alloc(0)), stat }
    const isRestarted = start > 0 && canRestart(connection)
    const offset = isRestarted ? { restart: start, length: size - start } : { skip: start, length: size }
    const plan = { command: `RETR ${path}`, ...offset, limit, touch: () => lease.touch() }
    const download = await startDownload(connection, plan, ctx.signal).catch(async error => {
      throw isRefusal(error, 550, 450) ? await explained(connection, path, error, ctx) : error
    })
    if (limit > AT_ONCE) {
      void download.over.then(keep())
      return { body: new StreamBody(download), stat, continues: true }
    }
    const bytes = await readBytes({ body: new StreamBody(download) })
    ctx.progress()
    await download.over
    return { body: new BytesBody(bytes), stat }
  }
}

/** Whether the server begins a file in its middle: what it says, where it says anything. (RFC 3659, section 5) */
function canRestart({ features }: FtpConnection): boolean {
  return features.size === 0 || /stream/i.test(features.get('REST') ?? '')
}
