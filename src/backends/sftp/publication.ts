import type { CallContext } from '../../core/call.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { temporaryName } from '../../core/hidden-names.ts'
import { detached } from '../../remote/aftermath.ts'
import type { Attributes } from '../../remote/ssh/ssh2.ts'
import { kindOf, sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { classifySftp, isMissing, isStatus, SftpError, STATUS } from './errors.ts'
import { refused } from './folders.ts'
import { OPEN } from './open-flags.ts'
import type { Place, Root } from './root.ts'
import type { Sessions } from './sessions.ts'

/** Codes of servers that report an existing name by themselves. */
const TAKEN = 11
const MAX_TRIES = 5

/** A complete file that gets another name. */
export interface Source {
  readonly path: string
  readonly attributes: Attributes
  /** Whether the file is useless under its own name. */
  readonly isTemporary: boolean
  /** Whether an empty file of this write has the new name by now. */
  hasName?: boolean
}

/** Publishes complete files under their names in one step. */
export class Publication {
  readonly #root: Root
  readonly #sessions: Sessions
  /** Whether the server's file system is known to support hard links. */
  #linksWork = false

  constructor(root: Root, sessions: Sessions) {
    this.#root = root
    this.#sessions = sessions
  }

  /**
   * Publishes a file under its name. Code `exists` with `ifAbsent` if the name exists; nothing is changed then. If the answer to a step is
   * lost, its result is looked up on another session.
   */
  async publish(channel: Channel, source: Source, target: Place, ifAbsent: boolean, ctx: CallContext): Promise<void> {
    ctx.signal.throwIfAborted()
    const step = (on: Channel): Promise<void> =>
      ifAbsent ? this.#create(on, source, target) : this.#replace(on, source.path, target)
    try {
      await step(channel)
    } catch (error) {
      if (isStatus(error, STATUS.permissionDenied, STATUS.unsupported)) throw cannotRename(error)
      if (!isStorageError(error, 'unavailable', 'timeout') || error.outcome !== 'unknown') throw error
      await this.#lookUp(source, target, ifAbsent, step, error, ctx)
    }
  }

  /** Publishes a file under a name that must be free. */
  async #create(channel: Channel, source: Source, target: Place): Promise<void> {
    const { path } = source
    if (!channel.has('hardlink@openssh.com')) return this.#reserve(channel, source, target)
    const linking = channel.link(path, target.path)
    // If links are known to work, a refusal means that the name exists, so both requests are sent together. The temporary file is not
    // removed on another session if this one is lost: it may be the only name of the file.
    const removing = source.isTemporary && this.#linksWork ? wasAnswered(channel.unlink(path)) : undefined
    try {
      await linking
    } catch (error) {
      await removing
      if (!(error instanceof SftpError)) throw error
      const found = await channel.lstat(target.path).catch(refused)
      if (!(found instanceof SftpError) || isStatus(error, TAKEN)) throw taken(target, found)
      if (removing !== undefined || isMissing(error)) throw error
      return this.#reserve(channel, source, target)
    }
    this.#linksWork = true
    if ((await removing) !== true) await this.#remove(channel, source)
  }

  /**
   * For servers without hard links: OPEN creates an empty file, which only one client can do, and the file is then replaced. Readers may
   * see it empty for a moment. If RENAME does not replace files, the empty file is first moved aside, and a client that takes the name
   * meanwhile keeps it.
   */
  async #reserve(channel: Channel, source: Source, target: Place): Promise<void> {
    if (!source.hasName) await channel.closeHandle(await openNew(channel, target))
    source.hasName = true
    const isPosix = channel.has('posix-rename@openssh.com')
    const failure = await (isPosix ? channel.posixRename : channel.rename)
      .call(channel, source.path, target.path)
      .then(() => undefined, refused)
    if (failure === undefined) return
    if (isPosix) {
      await this.#sessions.remove(channel, target.path)
      throw failure
    }
    const aside = this.#aside(target)
    await channel.rename(target.path, aside)
    const lost = await channel.rename(source.path, target.path).then(() => undefined, refused)
    await this.#sessions.remove(channel, aside)
    if (lost === undefined) return
    source.hasName = false
    // Renaming in this folder has just worked, so another client took the name, although it may be gone again by now.
    throw taken(target, await channel.lstat(target.path).catch(refused))
  }

  /** Removes the old name of a published file. */
  async #remove(channel: Channel, { path, isTemporary }: Source): Promise<void> {
    if (isTemporary) return this.#sessions.remove(channel, path)
    await channel.unlink(path).catch(cause => {
      const text = 'The file has its new name, and its old one could not be removed.'
      throw new StorageError('unknown', text, { cause, outcome: 'unknown' })
    })
  }

  /** Replaces the file with this name. */
  async #replace(channel: Channel, source: string, target: Place): Promise<void> {
    const isPosix = channel.has('posix-rename@openssh.com')
    try {
      await (isPosix ? channel.posixRename(source, target.path) : channel.rename(source, target.path))
    } catch (error) {
      if (!(error instanceof SftpError)) throw error
      const found = await channel.lstat(target.path).catch(refused)
      if (found instanceof SftpError) throw error
      if (kindOf(found) === 'folder') throw taken(target, found)
      if (isPosix) throw error
      await this.#exchange(channel, source, target)
    }
  }

  /**
   * For servers whose RENAME does not replace files: the old file is moved aside first. For a moment there is no file with the name. If a
   * step fails, the old or the new file has the name afterwards.
   */
  async #exchange(channel: Channel, source: string, target: Place): Promise<void> {
    const aside = this.#aside(target)
    await channel.rename(target.path, aside)
    try {
      await channel.rename(source, target.path)
    } catch (error) {
      // Refused if another client has taken the name meanwhile.
      await channel.rename(aside, target.path).catch(() => this.#sessions.remove(channel, aside))
      throw error
    }
    await this.#sessions.remove(channel, aside)
  }

  #aside({ folders }: Place): string {
    return this.#root.join([...folders, temporaryName()])
  }

  /** Finds the result of a step whose answer was lost, and repeats the step if it had no effect. */
  async #lookUp(
    source: Source,
    target: Place,
    ifAbsent: boolean,
    step: (channel: Channel) => Promise<void>,
    cause: StorageError,
    ctx: CallContext,
  ): Promise<void> {
    const aftermath = detached(ctx)
    await this.#sessions
      .use(aftermath, async channel => {
        const [left, found] = await Promise.all(
          [source.path, target.path].map(path => channel.lstat(path, aftermath.signal).catch(refused)),
        )
        const isLeft = !(left instanceof SftpError)
        const isThere = found !== undefined && !(found instanceof SftpError) && isSame(found, source.attributes)
        if (ifAbsent && isLeft && isThere) return this.#remove(channel, source)
        // A rename removes the old name in the same step.
        if (!isLeft && (isThere || !ifAbsent)) return undefined
        if (isLeft) return step(channel)
        throw cause
      })
      .catch(error => {
        throw isStorageError(error, 'exists', 'is_directory') ? error : cause
      })
  }
}

/** Whether the server answered a request, even with a refusal. */
function wasAnswered(request: Promise<unknown>): Promise<boolean> {
  return request.then(
    () => true,
    error => error instanceof SftpError,
  )
}

/** Opens a file that must not exist yet. */
export async function openNew(channel: Channel, target: Place, attributes: Attributes = {}): Promise<Buffer> {
  for (let tries = 1; ; tries++) {
    try {
      return await channel.open(target.path, OPEN.write | OPEN.create | OPEN.exclusive, attributes)
    } catch (error) {
      if (!(error instanceof SftpError) || isMissing(error)) throw error
      const found = await channel.lstat(target.path).catch(refused)
      if (!(found instanceof SftpError) || isStatus(error, TAKEN)) throw taken(target, found)
      // The existing file is gone, so the step is tried again, or the refusal has another reason.
      if (!isMissing(found) || tries === MAX_TRIES) throw channel.openError(error)
    }
  }
}

/** The error of a name that exists. */
function taken({ base }: Place, found: Attributes | SftpError): StorageError {
  const isFolder = !(found instanceof SftpError) && kindOf(found) === 'folder'
  return isFolder
    ? new StorageError('is_directory', `'${base}' is a directory.`)
    : new StorageError('exists', `'${base}' exists.`)
}

/** The error of a server that does not allow renaming. */
function cannotRename(cause: SftpError): StorageError {
  const text = `The server refused to rename the file: ${cause.message}. If it does not allow renaming, set SFTP_DIRECT_WRITE.`
  return new StorageError(classifySftp(cause) ?? 'unknown', text, { cause, outcome: 'not_applied' })
}

function isSame(found: Attributes, own: Attributes): boolean {
  return (
    kindOf(found) !== 'folder' &&
    sizeIn(found) === sizeIn(own) &&
    (own.mtime === undefined || found.mtime === own.mtime)
  )
}
