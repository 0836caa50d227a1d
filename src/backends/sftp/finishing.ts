import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { Attributes } from '../../remote/ssh/ssh2.ts'
import { describe, MODE_BITS, sizeIn } from './attributes.ts'
import { type Channel, SMALL_PIECE } from './channel.ts'
import { isStatus, SftpError, STATUS } from './errors.ts'
import { refused } from './folders.ts'
import type { Ownership } from './ownership.ts'
import type { Publication } from './publication.ts'
import type { Place } from './root.ts'
import { closeTemporary, type Temporary } from './temporary.ts'
import type { PieceWriter } from './writer.ts'

/** SSH_FX_BAD_MESSAGE, which OpenSSH also returns for an EINVAL of the system. */
const INVALID = 5

/** Options for completing files. */
export interface Finish {
  readonly ownership: Ownership
  readonly publication: Publication
  readonly fsync: boolean
}

/** Options for publishing one file. */
export interface FinishOptions {
  readonly ifAbsent: boolean
  /** Permission bits of the replaced file. */
  readonly oldMode?: number | undefined
}

/** Completes a temporary file and publishes it. On failure, the caller must remove it. */
export async function finishTemporary(
  finish: Finish,
  channel: Channel,
  temporary: Temporary,
  writer: PieceWriter,
  target: Place,
  { ifAbsent, oldMode }: FinishOptions,
  ctx: CallContext,
): Promise<Stat> {
  const { path } = temporary
  const attributes = await completed(finish, channel, temporary, writer, ctx)
  const mode = attributes.mode === undefined ? undefined : attributes.mode & MODE_BITS
  if (oldMode !== undefined && mode !== undefined && mode !== oldMode) {
    // The umask has removed bits. If the server refuses to set them, its own mode stays.
    await channel.setstat(path, { mode: oldMode }, ctx.signal).catch(refused)
  }
  await finish.publication.publish(channel, { path, attributes, isTemporary: true }, target, ifAbsent, ctx)
  return { ...describe(attributes, target.base), size: writer.position }
}

/**
 * Sends all bytes, sets mode and owner, makes the file durable, and closes it. Checks that the server has all bytes, if it reports the
 * size.
 */
export async function completed(
  { ownership, fsync }: Pick<Finish, 'ownership' | 'fsync'>,
  channel: Channel,
  file: Temporary,
  writer: PieceWriter,
  ctx: CallContext,
): Promise<Attributes> {
  const { signal } = ctx
  const { handle, path } = file
  await writer.send()
  if (ownership.setsFiles) await ownership.setFile(channel, handle, path, signal)
  const ask = async (): Promise<Attributes> => {
    const syncing = fsync && channel.has('fsync@openssh.com') ? synced(channel, handle, signal) : undefined
    const [attributes] = await Promise.all([channel.fstat(handle, signal).catch(refused), syncing])
    return attributes instanceof SftpError ? {} : attributes
  }
  // The server processes the requests for one file in order, so they are sent together. (draft-ietf-secsh-filexfer-02, section 6.1)
  const asked = ask()
  // A small file is never sent again in smaller requests, so no request follows the CLOSE.
  const closing = writer.position <= SMALL_PIECE ? closeTemporary(channel, file) : undefined
  for (const each of [asked, closing]) each?.catch(() => undefined)
  await writer.end()
  let attributes = await asked
  if (writer.wasRepeated) attributes = await ask()
  await (closing ?? closeTemporary(channel, file))
  const size = sizeIn(attributes)
  if (size !== undefined && size !== writer.position) {
    throw new StorageError('unknown', `The server has ${size} bytes of ${writer.position}.`, { outcome: 'not_applied' })
  }
  return attributes
}

/** Waits until the file is on the disk, if the server supports this. */
async function synced(channel: Channel, handle: Buffer, signal: AbortSignal): Promise<void> {
  try {
    await channel.fsync(handle, signal)
  } catch (error) {
    if (!isStatus(error, STATUS.unsupported, INVALID)) throw error
  }
}
