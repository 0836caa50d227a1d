import { StorageError } from '../../core/errors.ts'
import type { Attributes } from '../../remote/ssh/ssh2.ts'
import type { Channel } from './channel.ts'
import { classifySftp, isStatus, SftpError, STATUS } from './errors.ts'

/** Permission bits, owner and group from the settings; null leaves them to the server. */
export interface OwnershipOptions {
  readonly fileMode: number | null
  readonly dirMode: number | null
  readonly uid: number | null
  readonly gid: number | null
}

/** Sets mode and owner of new files and folders. Sets nothing without such settings, since some servers refuse it. */
export class Ownership {
  readonly #options: OwnershipOptions

  constructor(options: OwnershipOptions) {
    this.#options = options
  }

  /** The attributes of a new file; the server's umask may remove bits. */
  newFile(oldMode: number | undefined): Attributes {
    const mode = this.#options.fileMode ?? oldMode
    return mode === undefined ? {} : { mode: mode & 0o777 }
  }

  get newFolder(): Attributes {
    const { dirMode } = this.#options
    return dirMode === null ? {} : { mode: dirMode & 0o777 }
  }

  /** Whether an attribute must be set on open files. */
  get setsFiles(): boolean {
    const { fileMode, uid, gid } = this.#options
    return fileMode !== null || uid !== null || gid !== null
  }

  /** Whether the settings have the mode of files. */
  get setsMode(): boolean {
    return this.#options.fileMode !== null
  }

  /** Sets owner, group and mode of an open file. */
  async setFile(channel: Channel, handle: Buffer, path: string, signal?: AbortSignal): Promise<void> {
    const set = async (attributes: Attributes): Promise<void> => {
      try {
        await channel.fsetstat(handle, attributes, signal)
      } catch (error) {
        if (!isStatus(error, STATUS.unsupported)) throw error
        await channel.setstat(path, attributes, signal)
      }
    }
    await this.#setOwner(() => channel.fstat(handle, signal), set)
    const { fileMode } = this.#options
    if (fileMode !== null) await named('SFTP_STORAGE_FILE_MODE', set({ mode: fileMode }))
  }

  /** The same for a folder that was just made. */
  async setFolder(channel: Channel, path: string, signal?: AbortSignal): Promise<void> {
    const set = (attributes: Attributes): Promise<void> => channel.setstat(path, attributes, signal)
    await this.#setOwner(() => channel.stat(path, signal), set)
    const { dirMode } = this.#options
    if (dirMode !== null) await named('SFTP_STORAGE_DIR_MODE', set({ mode: dirMode }))
  }

  /** Owner and group can only be set together, so the one without a setting keeps its value. */
  async #setOwner(look: () => Promise<Attributes>, set: (attributes: Attributes) => Promise<void>): Promise<void> {
    const { uid, gid } = this.#options
    if (uid === null && gid === null) return
    const setting =
      uid === null ? 'SFTP_STORAGE_GID' : gid === null ? 'SFTP_STORAGE_UID' : 'SFTP_STORAGE_UID and SFTP_STORAGE_GID'
    const old: Attributes = uid === null || gid === null ? await look() : {}
    const owner = { uid: uid ?? old.uid, gid: gid ?? old.gid }
    if (owner.uid === undefined || owner.gid === undefined) {
      throw new StorageError(
        'unsupported',
        `${setting}: the server does not report owner and group, so both must be set.`,
      )
    }
    await named(setting, set(owner))
  }
}

/** Adds the setting that caused the request to a refusal. */
async function named(setting: string, work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof SftpError)) throw error
    const code = classifySftp(error) ?? 'unknown'
    const text = `${setting}: the server refused it: ${error.message}`
    throw new StorageError(code === 'unknown' ? 'permission_denied' : code, text, {
      cause: error,
      outcome: 'not_applied',
    })
  }
}
