import type { CallContext } from '../../core/call.ts'
import { sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { isStatus, SftpError, STATUS } from './errors.ts'
import { PieceReader } from './reader.ts'
import type { PieceWriter } from './writer.ts'

/** Bytes that a server copies in one request: it answers nothing else meanwhile. */
const COPY_BYTES = 134_217_728

/** Copies a whole open file into another open one, which is empty: on the server where it can. Gives the bytes; the writer stands behind them. */
export async function copyOpen(
  channel: Channel,
  source: Buffer,
  target: Buffer,
  writer: PieceWriter,
  ctx: CallContext,
): Promise<number> {
  if (channel.has('copy-data')) {
    const size = await copyOnServer(channel, source, target, ctx)
    if (size !== undefined) {
      writer.skip(size)
      return size
    }
  }
  const reader = new PieceReader(channel, source, { start: 0, isCautious: true })
  for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) await writer.add(piece, ctx)
  await writer.end()
  return writer.position
}

/** Undefined where the server refuses, and nothing was copied. */
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
    // No length: to the end, wherever that is by now.
    await channel.copyData(source, at, 0, target, ctx.signal)
  } catch (error) {
    if (!(error instanceof SftpError) || isStatus(error, STATUS.eof)) throw error
    return undefined
  }
  ctx.progress()
  return sizeIn(await channel.fstat(target, ctx.signal))
}
