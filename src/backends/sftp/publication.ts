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

/** Codes of servers that say by themselves that a name is taken. */
const TAKEN = 11
const MAX_TRIES = 5

/** A complete file that is to have another name. */
export interface Source {
  readonly path: string
  readonly attributes: Attributes
  /** Whether it is of no use under its own name. */
  readonly isTemporary: boolean
  /** Whether an empty file of ours has the new name by now. */
  hasName?: boolean
}

/** Gives complete files their names in one step. */
export class Publication {
  readonly #root: Root
  readonly #sessions: Sessions
  /** Whether the server's file system has shown that it has hard links. */
  #linksWork = false

  constructor(root: Root, sessions: Sessions) {
    this.#root = root
    this.#sessions = sessions
  }

  /**
   * Gives a file its name. `exists` with `ifAbsent` where the name is taken, and nothing is
   * changed. A step whose answer is lost is looked up on another session.
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

  /** Creates a file where there is none. */
  async #create(channel: Channel, source: Source, target: Place): Promise<void> {
    const { path } = source
    if (!channel.has('hardlink@openssh.com')) return this.#reserve(channel, source, target)
    const linking = channel.link(path, target.path)
    // A refusal means that the name is taken, once links are known to work: then both requests leave together.
    // It is not removed on another session when this one is lost: it may have no other name yet.
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
   * Where there are no hard links: an empty file takes the name, which OPEN gives to one only, and is replaced. Readers may see it for that moment.
   * Where RENAME replaces nothing it is put aside first, and whoever takes the name meanwhile keeps it.
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
    // Renaming in this folder has just worked: somebody else took the name, though it may be aside by now.
    throw taken(target, await channel.lstat(target.path).catch(refused))
  }

  /** Takes away the old name of a file that has its new one. */
  async #remove(channel: Channel, { path, isTemporary }: Source): Promise<void> {
    if (isTemporary) return this.#sessions.remove(channel, path)
    await channel.unlink(path).catch(cause => {
      const text = 'The file has its new name, and its old one could not be removed.'
      throw new StorageError('unknown', text, { cause, outcome: 'unknown' })
    })
  }

  /** Replaces what has the name. */
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
   * For servers whose RENAME replaces nothing: the old file is put aside first. For that moment there is no file of the name; whatever fails, the
   * old or the new one has it afterwards.
   */
  async #exchange(channel: Channel, source: string, target: Place): Promise<void> {
    const aside = this.#aside(target)
    await channel.rename(target.path, aside)
    try {
      await channel.rename(source, target.path)
    } catch (error) {
      // Refused where somebody else has taken the name by now.
      await channel.rename(aside, target.path).catch(() => this.#sessions.remove(channel, aside))
      throw error
    }
    await this.#sessions.remove(channel, aside)
  }

  #aside({ folders }: Place): string {
    return this.#root.join([...folders, temporaryName()])
  }

  /** Finds out what became of a step whose answer was lost, and takes it once more if nothing did. */
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
        // A rename takes the old name away in the same moment.
        if (!isLeft && (isThere || !ifAbsent)) return undefined
        if (isLeft) return step(channel)
        throw cause
      })
      .catch(error => {
        throw isStorageError(error, 'exists', 'is_directory') ? error : cause
      })
  }
}

/** Whether the server answered a request, be it by a refusal. */
function wasAnswered(request: Promise<unknown>): Promise<boolean> {
  return request.then(
    () => true,
    error => error instanceof SftpError,
  )
}

/** Opens a file that must not be there yet. */
export async function openNew(channel: Channel, target: Place, attributes: Attributes = {}): Promise<Buffer> {
  for (let tries = 1; ; tries++) {
    try {
      return await channel.open(target.path, OPEN.write | OPEN.create | OPEN.exclusive, attributes)
    } catch (error) {
      if (!(error instanceof SftpError) || isMissing(error)) throw error
      const found = await channel.lstat(target.path).catch(refused)
      if (!(found instanceof SftpError) || isStatus(error, TAKEN)) throw taken(target, found)
      // What had the name is gone: it is tried again, or the refusal means something else.
      if (!isMissing(found) || tries === MAX_TRIES) throw channel.openError(error)
    }
  }
}

/** The error of a name that something else has. */
function taken({ base }: Place, found: Attributes | SftpError): StorageError {
  const isFolder = !(found instanceof SftpError) && kindOf(found) === 'folder'
  return isFolder
    ? new StorageError('is_directory', `'${base}' is a directory.`)
    : new StorageError('exists', `'${base}' exists.`)
}

/** The error of a server that lets nobody rename. */
function cannotRename(cause: SftpError): StorageError {
  const text = `The server refused to give the file its name: ${cause.message}. If it lets nobody rename, set SFTP_DIRECT_WRITE.`
  return new StorageError(classifySftp(cause) ?? 'unknown', text, { cause, outcome: 'not_applied' })
}

function isSame(found: Attributes, own: Attributes): boolean {
  return (
    kindOf(found) !== 'folder' &&
    sizeIn(found) === sizeIn(own) &&
    (own.mtime === undefined || found.mtime === own.mtime)
  )
}
