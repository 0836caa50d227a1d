import { onAbort } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import type { Content } from '../../core/content.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { temporaryName } from '../../core/hidden-names.ts'
import { detached } from '../../remote/aftermath.ts'
import type { FtpConnection } from './connection.ts'
import { isUnknownCommand, notApplied, refusal } from './errors.ts'
import { removeTemporary } from './leftovers.ts'
import { parentOf } from './paths.ts'
import { rename } from './renaming.ts'
import { sizeIn } from './replies.ts'
import type { SendOptions, SendState, Sent } from './sending.ts'
import type { Slot } from './slots.ts'
import { statPath } from './stat.ts'
import { store } from './storing.ts'
import { setTime } from './time.ts'

/** Options for storing a file. */
export interface UploadOptions extends Pick<SendOptions, 'onProgress'> {
  /** Whether the name must be free: see `Rename`. */
  readonly isNew: boolean
  /** The time of the file. Default: the time of the server. */
  readonly modifiedAt?: Date | undefined
  /** Continues work with the connection after the call has ended. */
  readonly beside: (work: Promise<void>) => void
}

/**
 * Stores content under a path, all or nothing: it goes to a temporary file beside its target, whose size is compared, and which is then
 * renamed. A failure keeps the old file, and leaves no other. Makes missing folders.
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
  // Sets the outcome before the call ends, since the call does not wait for the clean-up.
  const off = onAbort(ctx.signal, () => {
    if (!isWhole && isStorageError(ctx.signal.reason, 'aborted')) notApplied(ctx.signal.reason)
  })
  try {
    const sent = await store(slot, temporary, content, options, state, ctx)
    if (sent.doubt !== undefined) await checkSize(slot, temporary, sent, ctx)
    if (options.modifiedAt !== undefined) await setTime(slot.connection, temporary, options.modifiedAt, ctx)
    isWhole = true
    const { isNew } = options
    await rename(slot, { from: temporary, to: path, size: sent.bytes, isNew, isChecked: true }, ctx)
    await checkName(slot.connection, path, sent.bytes, ctx)
    return sent.bytes
  } catch (error) {
    const cleaned = clean(slot, temporary, state, ctx)
    // An aborted call does not wait.
    if (ctx.signal.aborted) options.beside(cleaned)
    else await cleaned
    // Nothing has changed under the file's name before the renaming.
    throw isWhole || ctx.signal.aborted ? error : notApplied(error)
  } finally {
    off()
  }
}

async function clean(slot: Slot, path: string, state: SendState, ctx: CallContext): Promise<void> {
  await state.settled
  if (state.isMade) await removeTemporary(slot, path, detached(ctx))
}

/** After a bad or lost last answer the size decides; it is requested over another connection if necessary. */
async function checkSize(slot: Slot, path: string, { bytes, doubt }: Sent, ctx: CallContext): Promise<void> {
  const connection = slot.connection.control.isUsable ? slot.connection : await slot.renew(ctx)
  try {
    if ((await statPath(connection, path, ctx)).size === bytes) return
  } catch (error) {
    if (!isStorageError(error, 'not_found')) throw error
  }
  throw doubt
}

/** The server may have changed a name that has other characters than plain letters. */
async function checkName({ control }: FtpConnection, path: string, bytes: number, ctx: CallContext): Promise<void> {
  if (/^[\w./ -]*$/.test(path)) return
  const [reply] = await control.ask([`SIZE ${path}`], ctx.signal)
  const size = sizeIn(reply!)
  if (size === bytes || (size === undefined && (reply!.code < 400 || isUnknownCommand(refusal('SIZE', reply!))))) return
  const found = size === undefined ? 'the server has no such file' : `the file of this name has ${size} bytes`
  throw new StorageError('unknown', `It was not stored under its name: ${found}.`)
}
