import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { describe, MODE_BITS, sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { isStatus, STATUS } from './errors.ts'
import { refused } from './folders.ts'
import type { Ownership } from './ownership.ts'
import type { Publication } from './publication.ts'
import type { Place } from './root.ts'
import type { Attributes } from './ssh2.ts'
import { closeTemporary, type Temporary } from './temporary.ts'
import type { PieceWriter } from './writer.ts'

/** SSH_FX_BAD_MESSAGE, which OpenSSH also answers to an EINVAL of the system. */
const INVALID = 5

/** How files are completed. */
export interface Finish {
  readonly ownership: Ownership
  readonly publication: Publication
  readonly fsync: boolean
}

/** What holds of one file when it is published. */
export interface FinishOptions {
  readonly ifAbsent: boolean
  /** Permission bits of the file that is replaced. */
  readonly oldMode?: number | undefined
}

/** Completes a temporary file and gives it its name. On failure it is left to the caller. */
export async function finishTemporary(
  finish: Finish,
  channel: Channel,
  temporary: Temporary,
  writer: PieceWriter,
  target: Place,
  { ifAbsent, oldMode }: FinishOptions,
  ctx: CallContext,
): Promise<Stat> {
  const { handle, path } = temporary
  const { attributes, isSafe } = await completed(finish, channel, handle, path, writer, ctx)
  const mode = attributes.mode === undefined ? undefined : attributes.mode & MODE_BITS
  if (oldMode !== undefined && mode !== undefined && mode !== oldMode) {
    // The umask took bits away. A server that refuses to set them keeps its own mode.
    await channel.fsetstat(handle, { mode: oldMode }, ctx.signal).catch(refused)
  }
  const closing = closeTemporary(channel, temporary)
  if (isSafe) closing.catch(() => undefined)
  else await closing
  await finish.publication.publish(channel, { path, attributes, isTemporary: true }, target, ifAbsent, ctx)
  return { ...describe(attributes, target.base), size: writer.position }
}

/**
 * Sends all bytes, sets mode and owner, and makes the file durable; checks that the server has all of it, where it tells. `isSafe`: the file is
 * on the disk, so that closing it can lose nothing.
 */
export async function completed(
  { ownership, fsync }: Pick<Finish, 'ownership' | 'fsync'>,
  channel: Channel,
  handle: Buffer,
  path: string,
  writer: PieceWriter,
  ctx: CallContext,
): Promise<{ attributes: Attributes; isSafe: boolean }> {
  const { signal } = ctx
  await writer.send()
  if (ownership.setsFiles) await ownership.setFile(channel, handle, path, signal)
  // The server goes through the requests for one file in order, so they leave together. (draft-ietf-secsh-filexfer-02, section 6.1)
  const ask = (): Promise<[Attributes, boolean]> =>
    Promise.all([
      channel.fstat(handle, signal).catch(error => {
        refused(error)
        return {}
      }),
      fsync && channel.has('fsync@openssh.com') ? synced(channel, handle, signal) : false,
    ])
  const asked = ask()
  asked.catch(() => undefined)
  await writer.end()
  let [attributes, isSafe] = await asked
  if (writer.wasRepeated) [attributes, isSafe] = await ask()
  const size = sizeIn(attributes)
  if (size !== undefined && size !== writer.position) {
    throw new StorageError('unknown', `The server has ${size} bytes of ${writer.position}.`, { outcome: 'not_applied' })
  }
  return { attributes, isSafe }
}

/** Whether the file is on the disk; false where the server's file system cannot do that. */
async function synced(channel: Channel, handle: Buffer, signal: AbortSignal): Promise<boolean> {
  try {
    await channel.fsync(handle, signal)
    return true
  } catch (error) {
    if (isStatus(error, STATUS.unsupported, INVALID)) return false
    throw error
  }
}
