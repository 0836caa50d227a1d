import type { CallContext } from '../../core/call.ts'
import { openForReading } from './access.ts'
import { sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { isStatus, SessionFull, SftpError, STATUS } from './errors.ts'
import type { Ground } from './ground.ts'
import { PieceReader } from './reader.ts'
import type { Place } from './root.ts'
import type { PieceWriter } from './writer.ts'

/** Maximum number of bytes that a server copies per request: it answers nothing else meanwhile. */
const COPY_BYTES = 134_217_728

/**
 * Copies the file at a place into an open, empty file. If the session cannot open another file, the bytes pass through this machine from
 * another session.
 */
export async function copyPlace(
  { folders, sessions }: Pick<Ground, 'folders' | 'sessions'>,
  channel: Channel,
  source: Place,
  target: Buffer,
  writer: PieceWriter,
  ctx: CallContext,
): Promise<void> {
  const copyOn = async (from: Channel): Promise<void> => {
    const { handle } = await openForReading(folders, from, source, ctx)
    try {
      await copyOpen(from, handle, from === channel ? target : undefined, writer, ctx)
    } finally {
      from.closeHandle(handle).catch(() => undefined)
    }
  }
  try {
    await copyOn(channel)
  } catch (error) {
    if (!(error instanceof SessionFull)) throw error
    await sessions.use(ctx, copyOn)
  }
}

/** Copies a whole open file into another one of the same session: on the server if it supports this, otherwise with the writer. */
async function copyOpen(
  channel: Channel,
  source: Buffer,
  target: Buffer | undefined,
  writer: PieceWriter,
  ctx: CallContext,
): Promise<void> {
  if (target !== undefined && channel.has('copy-data')) {
    const size = await copyOnServer(channel, source, target, ctx)
    if (size !== undefined) return writer.skip(size)
  }
  const reader = new PieceReader(channel, source, { start: 0, isCautious: true })
  for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) await writer.add(piece, ctx)
  await writer.end()
}

/** Undefined if the server refuses, and nothing was copied. */
async function copyOnServer(
  channel: Channel,
  source: Buffer,
  target: Buffer,
  ctx: CallContext,
): Promise<number | undefined> {
  const size = sizeIn(await channel.fstat(source, ctx.signal)) ?? 0
  try {
    let at = 0
    for (; size - at > COPY_BYTES; at += COPY_BYTES) {
      await channel.copyData(source, at, COPY_BYTES, target, ctx.signal)
      ctx.progress()
    }
    // Length 0: to the current end of the file.
    await channel.copyData(source, at, 0, target, ctx.signal)
  } catch (error) {
    if (!(error instanceof SftpError) || isStatus(error, STATUS.eof)) throw error
    return undefined
  }
  ctx.progress()
  return sizeIn(await channel.fstat(target, ctx.signal))
}
