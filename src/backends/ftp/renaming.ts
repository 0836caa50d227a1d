import type { CallContext } from '../../core/call.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { temporaryName } from '../../core/hidden-names.ts'
import { detached } from '../../remote/aftermath.ts'
import type { FtpConnection } from './connection.ts'
import { accepted, type FtpReplyError, isLost, isRefusal, isUnknownCommand, refusal, saysMissing } from './errors.ts'
import { removeTemporary } from './leftovers.ts'
import { makeFolders } from './making-folders.ts'
import { parentOf } from './paths.ts'
import { type Reply, sizeIn } from './replies.ts'
import type { Slot } from './slots.ts'
import { statPath } from './stat.ts'

/** The source and the target of a renaming. */
export interface Rename {
  readonly from: string
  readonly to: string
  /** Size of the file in bytes. */
  readonly size: number
  /** Whether the target must be free: otherwise code `exists`. It is checked immediately before, since no FTP command does both. */
  readonly isNew: boolean
  /** Whether to refuse the renaming if the file has another size: it was not stored completely. */
  readonly isChecked?: boolean
}

/**
 * Renames a file, and replaces an old one if that is allowed. The answer alone is not enough: the new name must have the file, or the old
 * one must be gone. Some servers refuse to replace a file, or answer 250 and do nothing. Then the old file is first moved aside, and back
 * again if the new one cannot take its place; for a moment no file has the name. Makes missing folders.
 */
export async function rename(slot: Slot, plan: Rename, ctx: CallContext): Promise<void> {
  const { to, isNew } = plan
  const failure = await tried(slot, plan, ctx)
  if (failure === undefined) return
  const found = await kindOf(slot.connection, to, ctx)
  if (found === 'folder') throw new StorageError('is_directory', 'A folder has this name.')
  if (found === 'file' && isNew) throw exists()
  // A temporary refusal has another reason than the existing file.
  if (isRefusal(failure) && failure.status < 500 && !saysMissing(failure)) throw failure
  if (found === 'file') return replace(slot, plan, failure, ctx)
  const parent = parentOf(to)
  if ((await kindOf(slot.connection, parent || '/', ctx)) === 'folder') throw failure
  await makeFolders(slot.connection, parent, ctx)
  const again = await tried(slot, plan, ctx)
  if (again !== undefined) throw again
}

/**
 * Renames; returns the reason if the new name was refused or not set. After a lost answer, the result is looked up over another connection
 * in the same slot.
 */
async function tried(slot: Slot, plan: Rename, ctx: CallContext): Promise<unknown> {
  const { from, to } = plan
  for (let isAgain = false; ; isAgain = true) {
    try {
      return await renamed(slot.connection, plan, ctx)
    } catch (error) {
      if (ctx.signal.aborted || isAgain || !isLost(error)) throw error
      const connection = await slot.renew(ctx)
      if ((await kindOf(connection, from, ctx)) === undefined && (await kindOf(connection, to, ctx)) === 'file') {
        return undefined
      }
    }
  }
}

/** Renames over one connection. Independent queries are sent in one packet. */
async function renamed(connection: FtpConnection, plan: Rename, ctx: CallContext): Promise<unknown> {
  const { control, server } = connection
  const { from, to, size, isNew } = plan
  const [sizeTo, sizeFrom, select, assign] = [`SIZE ${to}`, `SIZE ${from}`, `RNFR ${from}`, `RNTO ${to}`]
  // If the server is known to replace files, it does not matter whether one exists.
  const looks = isNew || server.replaces !== true ? [sizeTo] : []
  const replies = await control.ask([...looks, sizeFrom, select], ctx.signal)
  const [own, selected] = replies.splice(looks.length) as [Reply, Reply]
  const [before] = replies
  const wrong =
    isNew && before !== undefined && before.code < 400 ? exists() : plan.isChecked ? unlike(own, size) : undefined
  if (wrong !== undefined) {
    if (selected.code < 400) await control.deselect(ctx.signal)
    throw wrong
  }
  accepted(select, selected)
  const proof = proofOf(before, own, size)
  const [reply, after] = await control.ask([assign, proof === 'old name' ? sizeFrom : sizeTo], ctx.signal)
  if (reply!.code >= 400) return refusal(assign, reply!)
  const isDone =
    proof === 'old name' ? after!.code === 550 : proof === 'new name' && after!.code < 400 && sizeIn(after!) === size
  if (!isDone && !(await isGone(connection, from, ctx))) {
    return new StorageError('unknown', 'The server confirmed that it has renamed the file, and has not.')
  }
  if (before !== undefined && before.code < 400) server.replaces = true
  return undefined
}

/**
 * The proof of a renaming: the size of the file under its new name, if no file or a file of another size had that name before; or that the
 * old name is gone, if two refusals agree, since a single refusal without a clear message may have any reason.
 */
function proofOf(before: Reply | undefined, own: Reply, size: number): 'new name' | 'old name' | undefined {
  if (before === undefined) return 'new name'
  if (before.code < 400) return sizeIn(before) === size ? undefined : 'new name'
  if (saysMissing(refusal('SIZE', before))) return 'new name'
  return before.code === 550 && own.code < 400 ? 'old name' : undefined
}

/** The error if a file has another size than was sent. If a server does not support sizes, there is no error. */
function unlike(reply: Reply, size: number): StorageError | undefined {
  const found = reply.code < 400 ? sizeIn(reply) : undefined
  if (found === size || (reply.code < 400 && found === undefined)) return undefined
  if (found === undefined && isUnknownCommand(refusal('SIZE', reply))) return undefined
  const text =
    found === undefined
      ? `The server has lost the file: ${refusal('SIZE', reply).message}`
      : `The server has stored ${found} of ${size} bytes.`
  return new StorageError('unavailable', text, { outcome: 'not_applied' })
}

/**
 * Whether a path that was just renamed is gone. Two refusals must agree, unless the server's message is clear, or the server is known to
 * replace files.
 */
async function isGone(connection: FtpConnection, path: string, ctx: CallContext): Promise<boolean> {
  const { control, server } = connection
  const refusals: FtpReplyError[] = []
  for (const command of [`RNFR ${path}`, `SIZE ${path}`]) {
    const [reply] = await control.ask([command], ctx.signal)
    if (reply!.code < 400) {
      if (command.startsWith('RNFR')) await control.deselect(ctx.signal)
      return false
    }
    const error = refusal(command, reply!)
    if (saysMissing(error) || (error.status === 550 && server.replaces === true)) return true
    refusals.push(error)
  }
  if (refusals.some(({ status }) => status === 550)) return true
  throw refusals[0]
}

/** Replaces a file, which is first moved aside. Both files exist until the new one has the name. */
async function replace(slot: Slot, plan: Rename, why: unknown, ctx: CallContext): Promise<void> {
  const { to } = plan
  const moved: Rename = { ...plan, isNew: false, isChecked: false }
  const aside = `${parentOf(to)}/${temporaryName()}`
  let failure: unknown
  try {
    if ((await tried(slot, { ...moved, from: to, to: aside }, ctx)) !== undefined) throw why
    failure = await tried(slot, moved, ctx)
  } catch (error) {
    failure = error
  }
  if (failure === undefined) {
    await removeTemporary(slot, aside, ctx)
    return
  }
  // Even if the call was ended, the old file gets its name back.
  const after = detached(ctx)
  try {
    if (!slot.connection.control.isUsable) await slot.renew(after)
    if ((await kindOf(slot.connection, to, after)) === undefined) {
      const left = await tried(slot, { ...moved, from: aside }, after)
      if (left !== undefined) throw left
    } else if ((await kindOf(slot.connection, plan.from, after)) === undefined) {
      // The new file already has the name.
      await removeTemporary(slot, aside, after)
    }
  } catch (error) {
    const text = `The old file could not be put back; on the server it is '${aside}'.`
    throw new StorageError('unavailable', text, { cause: error, outcome: 'unknown', retryable: false })
  }
  throw failure
}

/** The kind of the item at a path. */
export async function kindOf(
  connection: FtpConnection,
  path: string,
  ctx: CallContext,
): Promise<'file' | 'folder' | undefined> {
  try {
    return (await statPath(connection, path, ctx)).isDirectory === true ? 'folder' : 'file'
  } catch (error) {
    if (isStorageError(error, 'not_found')) return undefined
    throw error
  }
}

function exists(): StorageError {
  return new StorageError('exists', 'A file of this name was made meanwhile.')
}
