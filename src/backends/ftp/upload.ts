import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import { StorageError } from '../../core/errors.ts'
import { temporaryName } from '../../core/hidden-names.ts'
import { detached } from '../../remote/aftermath.ts'
import type { FtpConnection } from './connection.ts'
import { isRefusal, isUnknownCommand, notApplied } from './errors.ts'
import { removeTemporary } from './leftovers.ts'
import { parentOf } from './paths.ts'
import { rename } from './renaming.ts'
import { sizeIn, timeIn, timeText } from './replies.ts'
import type { SendOptions, SendState, Sent } from './sending.ts'
import type { Slot } from './slots.ts'
import { statPath } from './stat.ts'
import { store } from './storing.ts'

/** How a file is stored. */
export interface UploadOptions extends Pick<SendOptions, 'onProgress'> {
  /** The name must be free: see `Rename`. */
  readonly isNew: boolean
  /** The time that the file is to have; the server's own by default. */
  readonly modifiedAt?: Date | undefined
  /** Goes on with work, and keeps the connection for it, when the call has ended. */
  readonly beside: (work: Promise<void>) => void
}

/**
 * Stores content under a path, all or nothing: it goes to a temporary file beside its target, whose size is compared, and which is renamed. What fails leaves the
 * old file, and no other. Missing folders are made.
 */
export async function upload(
  slot: Slot,
  path: string,
  content: Content,
  options: UploadOptions,
  ctx: CallContext,
): Promise<number> {
  const temporary = `${parentOf(path)}/${temporaryName()}`
  const state: SendState = { isMade: false }
  let isWhole = false
  try {
    const sent = await store(slot, temporary, content, options, state, ctx)
    await checkSize(slot, temporary, sent, ctx)
    if (options.modifiedAt !== undefined) await setTime(slot.connection, temporary, options.modifiedAt, ctx)
    isWhole = true
    await rename(slot, { from: temporary, to: path, size: sent.bytes, isNew: options.isNew }, ctx)
    await checkName(slot.connection, path, sent.bytes, ctx)
    return sent.bytes
  } catch (error) {
    const cleaned = clean(slot, temporary, state, ctx)
    // Who has ended the call does not wait.
    if (ctx.signal.aborted) options.beside(cleaned)
    else await cleaned
    // Nothing has the name of the file before it is renamed.
    throw isWhole || ctx.signal.aborted ? error : notApplied(error)
  }
}

async function clean(slot: Slot, path: string, state: SendState, ctx: CallContext): Promise<void> {
  await state.settled
  if (state.isMade) await removeTemporary(slot, path, detached(ctx))
}

/** The size decides, also after a last answer that was bad or lost; it is asked for over another connection then, if need be. */
async function checkSize(slot: Slot, path: string, { bytes, doubt }: Sent, ctx: CallContext): Promise<void> {
  const connection = slot.connection.control.isUsable ? slot.connection : await slot.renew(ctx)
  const size = await sizeAt(connection, path, doubt === undefined, ctx)
  if (size === bytes || (size === undefined && doubt === undefined)) return
  if (doubt !== undefined) throw doubt
  const text = `The server has stored ${size} of ${bytes} bytes.`
  throw new StorageError('unavailable', text, { outcome: 'not_applied' })
}

/** A name of other than plain letters may have become another one. */
async function checkName(connection: FtpConnection, path: string, bytes: number, ctx: CallContext): Promise<void> {
  if (/^[\w./ -]*$/.test(path)) return
  const size = await sizeAt(connection, path, true, ctx)
  if (size === undefined || size === bytes) return
  throw new StorageError('unknown', `The server has not stored the file under its name, which has ${size} bytes.`)
}

/** Undefined where the server knows no sizes. */
async function sizeAt(
  connection: FtpConnection,
  path: string,
  isSure: boolean,
  ctx: CallContext,
): Promise<number | undefined> {
  try {
    return sizeIn(await connection.control.request(`SIZE ${path}`, ctx.signal))
  } catch (error) {
    if (!isRefusal(error) || error.status === 421) throw error
    if (isUnknownCommand(error)) return isSure ? undefined : (await statPath(connection, path, ctx)).size
    throw new StorageError('unavailable', `The server has lost the file: ${error.message}`, { outcome: 'not_applied' })
  }
}

/** Sets the time by MFMT, or by MDTM where a server takes a time there; the answer is compared. (draft-somers-ftp-mfxx-04, section 3) */
async function setTime(
  { control, features }: FtpConnection,
  path: string,
  time: Date,
  ctx: CallContext,
): Promise<void> {
  const verb = features.has('MFMT') ? 'MFMT' : 'MDTM'
  const set = await control.requestOptional(`${verb} ${timeText(time)} ${path}`, ctx.signal)
  const reply = set === undefined ? undefined : await control.requestOptional(`MDTM ${path}`, ctx.signal)
  const found = reply === undefined ? undefined : timeIn(reply.message.slice(4))
  if (found !== undefined && Math.abs(+found - +time) < 1000) return
  throw new StorageError('unsupported', 'modifiedAt: the server does not set the time of a file.')
}
