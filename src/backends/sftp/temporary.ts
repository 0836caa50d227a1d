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

/** Maximum number of attempts to make a folder that is removed at once. */
const MAX_TRIES = 3

/** A file that is being written. */
export interface Temporary {
  readonly path: string
  readonly handle: Buffer
  /** A handle is closed only once: the server may reuse its number for another file. */
  isClosed: boolean
}

/** The objects that are needed to make files. */
export interface Workshop {
  readonly root: Root
  readonly folders: Folders
  readonly sessions: Sessions
}

/** Makes the missing folders of a place, and runs work in the folder. Repeats both if another client has removed a folder meanwhile. */
export async function inFolder<T>(
  { folders }: Workshop,
  channel: Channel,
  place: Place,
  ctx: CallContext,
  work: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      // If a server reports nothing about folders, only a refusal shows that one is missing.
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
    // The server may still create the file after this.
    if (isStorageError(error) || ctx.signal.aborted) await soon(workshop.sessions.remove(channel, path))
    throw channel.openError(error)
  }
}

/** Runs work on a temporary file; removes the file if it fails. Unless an error states another outcome, it occurred before publication. */
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

/** Closes a temporary file, unless it is closed already. */
export async function closeTemporary(channel: Channel, temporary: Temporary): Promise<void> {
  if (temporary.isClosed) return
  temporary.isClosed = true
  await channel.closeHandle(temporary.handle)
}

/** Changes an unknown outcome of an error to not applied, for work that has published nothing. */
export function notApplied(error: unknown): unknown {
  if (error instanceof StorageError && error.outcome === 'unknown')
    return Object.assign(error, { outcome: 'not_applied' })
  return error
}
