import type { CallContext } from '../../core/call.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { temporaryName } from '../../core/hidden-names.ts'
import { detached } from '../../remote/aftermath.ts'
import type { FtpConnection } from './connection.ts'
import { type FtpReplyError, isLost, isRefusal, saysMissing } from './errors.ts'
import { removeTemporary } from './leftovers.ts'
import { makeFolders } from './making-folders.ts'
import { parentOf } from './paths.ts'
import { sizeIn } from './replies.ts'
import type { Slot } from './slots.ts'
import { statPath } from './stat.ts'

/** What is renamed to what. */
export interface Rename {
  readonly from: string
  readonly to: string
  /** Bytes of the file. */
  readonly size: number
  /** Whether the target must be free: else code `exists`. It is asked for just before, since no command of FTP does both. */
  readonly isNew: boolean
}

/**
 * Renames a file, over an old one where that may be. The answer alone is not believed: the new name must have the file, or the old one must be gone. Where a
 * server refuses to rename over a file, or says 250 and does nothing, the old file is moved aside before, and back again if the new one cannot take its
 * place. Missing folders are made.
 */
export async function rename(slot: Slot, plan: Rename, ctx: CallContext): Promise<void> {
  const { to, isNew } = plan
  const { server } = slot.connection
  // Where it is known that files are replaced, it does not matter whether there is one.
  const before = isNew || server.replaces !== true ? await lookedFor(slot.connection, to, ctx) : 'unsure'
  if (isNew && before === 'there') throw exists()
  const refusal = await tried(slot, plan, isNew || before === 'missing' ? 'new name' : 'old name', ctx)
  if (refusal === undefined) {
    if (before === 'there') server.replaces = true
    return
  }
  const found = await kindOf(slot.connection, to, ctx)
  if (found === 'folder') throw new StorageError('is_directory', 'A folder has this name.')
  if (found === 'file' && isNew) throw exists()
  // What is refused for a while is not refused because of the file.
  if (isRefusal(refusal) && refusal.status < 500 && !saysMissing(refusal)) throw refusal
  if (found === 'file') return replace(slot, plan, refusal, ctx)
  const parent = parentOf(to)
  if ((await kindOf(slot.connection, parent || '/', ctx)) === 'folder') throw refusal
  await makeFolders(slot.connection, parent, ctx)
  const again = await tried(slot, plan, 'old name', ctx)
  if (again !== undefined) throw again
}

/** What shows that a rename was done: the file under its new name, where that was free; else that the old name is. */
type Proof = 'new name' | 'old name'

/**
 * Renames; returns why the new name was refused, or that it was not given. An answer that was lost is looked into over another connection in the same
 * slot.
 */
async function tried(slot: Slot, { from, to, size }: Rename, proof: Proof, ctx: CallContext): Promise<unknown> {
  for (let isAgain = false; ; isAgain = true) {
    try {
      const { control } = slot.connection
      await control.request(`RNFR ${from}`, ctx.signal)
      try {
        await control.request(`RNTO ${to}`, ctx.signal)
      } catch (error) {
        if (isRefusal(error) && error.status !== 421) return error
        throw error
      }
      if (proof === 'new name' && (await sizeOf(slot.connection, to, ctx)) === size) return undefined
      if (await isGone(slot.connection, from, ctx)) return undefined
      return new StorageError('unknown', 'The server confirmed that it has renamed the file, and has not.')
    } catch (error) {
      if (ctx.signal.aborted || isAgain || !isLost(error)) throw error
      const connection = await slot.renew(ctx)
      if ((await kindOf(connection, from, ctx)) === undefined && (await kindOf(connection, to, ctx)) === 'file') {
        return undefined
      }
    }
  }
}

/**
 * Whether nothing has a path that was just renamed. Unless the server says so in words, or is known to replace files, two refusals have to agree.
 */
async function isGone({ control, server }: FtpConnection, path: string, ctx: CallContext): Promise<boolean> {
  const refusals: FtpReplyError[] = []
  for (const command of [`RNFR ${path}`, `SIZE ${path}`]) {
    try {
      await control.request(command, ctx.signal)
      return false
    } catch (error) {
      if (saysMissing(error)) return true
      if (!isRefusal(error) || error.status === 421) throw error
      if (error.status === 550 && server.replaces === true) return true
      refusals.push(error)
    }
  }
  if (refusals.some(({ status }) => status === 550)) return true
  throw refusals[0]
}

/** Puts a file in the place of another one, which is moved aside first. Both are there until the new one has its place. */
async function replace(slot: Slot, plan: Rename, refusal: unknown, ctx: CallContext): Promise<void> {
  const { to } = plan
  const aside = `${parentOf(to)}/${temporaryName()}`
  let failure: unknown
  try {
    if ((await tried(slot, { ...plan, from: to, to: aside }, 'old name', ctx)) !== undefined) throw refusal
    failure = await tried(slot, plan, 'old name', ctx)
  } catch (error) {
    failure = error
  }
  if (failure === undefined) {
    await removeTemporary(slot, aside, ctx)
    return
  }
  // Whatever ended the call, the old file gets its name back.
  const after = detached(ctx)
  try {
    if (!slot.connection.control.isUsable) await slot.renew(after)
    if ((await kindOf(slot.connection, to, after)) === undefined) {
      const left = await tried(slot, { ...plan, from: aside }, 'old name', after)
      if (left !== undefined) throw left
    } else if ((await kindOf(slot.connection, plan.from, after)) === undefined) {
      // The new one has it already.
      await removeTemporary(slot, aside, after)
    }
  } catch (error) {
    const text = `The old file could not be put back; on the server it is '${aside}'.`
    throw new StorageError('unavailable', text, { cause: error, outcome: 'unknown', retryable: false })
  }
  throw failure
}

/** Whether a file has a path, by one command: a refusal without words may have any reason. */
async function lookedFor(
  { control }: FtpConnection,
  path: string,
  ctx: CallContext,
): Promise<'there' | 'missing' | 'unsure'> {
  try {
    await control.request(`SIZE ${path}`, ctx.signal)
    return 'there'
  } catch (error) {
    if (!isRefusal(error) || error.status === 421) throw error
    return saysMissing(error) ? 'missing' : 'unsure'
  }
}

/** What has a path. */
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

/** Bytes of a file, by one command; undefined where the server tells none: there is no such file, it is a folder, or it knows no SIZE. */
export async function sizeOf({ control }: FtpConnection, path: string, ctx: CallContext): Promise<number | undefined> {
  const reply = await control.requestOptional(`SIZE ${path}`, ctx.signal)
  return reply === undefined ? undefined : sizeIn(reply)
}

function exists(): StorageError {
  return new StorageError('exists', 'A file of this name was made meanwhile.')
}
