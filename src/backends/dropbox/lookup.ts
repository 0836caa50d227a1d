import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import type { DropboxClient } from './client.ts'
import { classifyDropbox, tagOf } from './errors.ts'
import { type Metadata, metadataOf, versionAt, versionPath } from './metadata.ts'

/** Looks up files and folders. (https://www.dropbox.com/developers/documentation/http/documentation#files-get_metadata) */
export class Lookup {
  readonly #client: DropboxClient

  constructor(client: DropboxClient) {
    this.#client = client
  }

  /** A file or a folder; missing: `not_found`. */
  async find(key: string, ctx: CallContext, versionId?: string): Promise<Metadata> {
    const options = { fields: ['.tag'], reads: true }
    const value = await this.#client.rpc('files/get_metadata', { path: versionPath(key, versionId) }, ctx, options)
    if (tagOf(value) === 'folder') return metadataOf(value)
    // A key with a slash is a folder, not a file.
    if (key.endsWith('/')) throw new StorageError('not_found', `There is no folder '${key}'.`)
    return versionAt(value, key, versionId)
  }

  /** The same; undefined if there is nothing. */
  async present(key: string, ctx: CallContext): Promise<Metadata | undefined> {
    try {
      return await this.find(key, ctx)
    } catch (error) {
      if (classifyDropbox(error) === 'not_found') return undefined
      throw error
    }
  }

  /** A file; a folder is `is_directory`. */
  async file(key: string, ctx: CallContext): Promise<Metadata> {
    const found = await this.find(key, ctx)
    if (found.stat.isDirectory !== true) return found
    throw new StorageError('is_directory', `'${key}' is a directory.`)
  }
}
