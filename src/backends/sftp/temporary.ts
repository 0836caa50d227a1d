import type { CallContext } from '../../core/call.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { temporaryName } from '../../core/hidden-names.ts'
import type { Attributes } from '../../remote/ssh/ssh2.ts'
import type { Channel } from './channel.ts'
import { isMissing } from './errors.ts'
import type { Folders } from './folders.ts'
import { OPEN } from './open-flags.ts'
import type { Place, Root } from './root.ts'
import { type Sessions, soon } from './sessions.ts'

/** How often a folder is made that is removed again at once. */
const MAX_TRIES = 3

/** A file that is being written. */
export interface Temporary {
  readonly path: string
  readonly handle: Buffer
  /** A handle is closed once: the server may give its number to another file. */
  isClosed: boolean
}

/** What files are made with. */
export interface Workshop {
  readonly root: Root
  readonly folders: Folders
  readonly sessions: Sessions
}

/** Makes the folders of a place where they are missing, and runs work in there: again when somebody has removed one meanwhile. */
export async function inFolder<T>(
  { folders }: Workshop,
  channel: Channel,
  place: Place,
  ctx: CallContext,
  work: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      // A server that tells nothing about folders shows only by a refusal that one is missing.
      await folders.make(channel, place.folders, tries > 1, ctx.signal)
      return await work()
    } catch (error) {
      if (!isMissing(error) || tries === MAX_TRIES) throw error
      folders.forget(place.folders)
    }
  }
}

/** Opens a new hidden file beside a place. */
export async function openTemporary(
  workshop: Workshop,
  channel: Channel,
  place: Place,
  attributes: Attributes,
  ctx: CallContext,
  access: number = OPEN.write,
): Promise<Temporary> {
  const path = workshop.root.join([...place.folders, temporaryName()])
  try {
    const flags = access | OPEN.create | OPEN.exclusive
    return { path, handle: await channel.open(path, flags, attributes, ctx.signal), isClosed: false }
  } catch (error) {
    // It may be made after this.
    if (isStorageError(error) || ctx.signal.aborted) await soon(workshop.sessions.remove(channel, path))
    throw channel.openError(error)
  }
}

/** Work on a temporary file; what fails leaves nothing. An error that does not say otherwise was met before anything was published. */
export async function withTemporary<T>(
  workshop: Workshop,
  channel: Channel,
  place: Place,
  attributes: Attributes,
  ctx: CallContext,
  work: (temporary: Temporary) => Promise<T>,
): Promise<T> {
  const temporary = await inFolder(workshop, channel, place, ctx, () =>
    openTemporary(workshop, channel, place, attributes, ctx),
  )
  try {
    return await work(temporary)
  } catch (error) {
    await soon(dropTemporary(workshop, channel, temporary))
    throw error
  }
}

/** Closes and removes a temporary file. Never fails. */
export async function dropTemporary({ sessions }: Workshop, channel: Channel, temporary: Temporary): Promise<void> {
  await Promise.all([
    closeTemporary(channel, temporary).catch(() => undefined),
    sessions.remove(channel, temporary.path),
  ])
}

/** Closes a temporary file, unless that was done. */
export async function closeTemporary(channel: Channel, temporary: Temporary): Promise<void> {
  if (temporary.isClosed) return
  temporary.isClosed = true
  await channel.closeHandle(temporary.handle)
}

/** The same error for work that has published nothing, where it does not know that. */
export function notApplied(error: unknown): unknown {
  if (error instanceof StorageError && error.outcome === 'unknown')
    return Object.assign(error, { outcome: 'not_applied' })
  return error
}
