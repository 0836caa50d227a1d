import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { mapParallel } from '../../core/parallel.ts'
import type { FolderItem } from '../../remote/folder-items.ts'
import type { DirectoryItem } from '../../remote/ssh/ssh2.ts'
import type { TreeProtocol } from '../../remote/tree-listing.ts'
import { openFolder, probed } from './access.ts'
import { describe, type Kind, kindOf, sizeIn } from './attributes.ts'
import type { Channel } from './channel.ts'
import { classifySftp, isMissing, isStatus, SftpError, STATUS } from './errors.ts'
import { refused } from './folders.ts'
import type { Ground } from './ground.ts'

/** Maximum number of names that are looked up in parallel. */
const LOOKS = 16

/** Reads folders of the server for a listing. */
export class FolderReader implements TreeProtocol {
  readonly #ground: Pick<Ground, 'root' | 'folders' | 'sessions'>
  readonly #stat: (key: string, ctx: CallContext) => Promise<Stat>

  /** `stat` looks up one file or link. */
  constructor(
    ground: Pick<Ground, 'root' | 'folders' | 'sessions'>,
    stat: (key: string, ctx: CallContext) => Promise<Stat>,
  ) {
    this.#ground = ground
    this.#stat = stat
  }

  async *read(prefix: string, ctx: CallContext): AsyncGenerator<readonly FolderItem[]> {
    const { root, folders, sessions } = this.#ground
    const components = root.components(prefix)
    const path = root.join(components)
    const { lease, handle } = await sessions.lease(ctx, async lease => {
      await folders.find(lease.connection, components, ctx.signal)
      return { lease, handle: await openFolder(lease.connection, path, ctx.signal) }
    })
    const channel = lease.connection
    try {
      for (;;) {
        const names = await channel.readFolder(handle, ctx.signal).catch(error => {
          if (isStatus(error, STATUS.eof)) return []
          throw error
        })
        if (names.length === 0) return
        ctx.progress()
        lease.touch()
        yield await itemsOf(channel, names, path, ctx.signal)
      }
    } finally {
      await sessions.closeRead(lease, handle)
    }
  }

  async look(key: string, ctx: CallContext): Promise<Stat | undefined> {
    return this.#stat(key, ctx)
  }

  classify(error: unknown): ReturnType<typeof classifySftp> {
    return error instanceof StorageError ? error.code : classifySftp(error)
  }
}

/**
 * Items that are neither files nor folders are left out. Links, and files with incomplete attributes, are looked up when they are listed.
 */
async function itemsOf(
  channel: Channel,
  names: readonly DirectoryItem[],
  folder: string,
  signal: AbortSignal,
): Promise<FolderItem[]> {
  const items = await mapParallel(names, { limit: LOOKS, signal }, async ({ filename: name, longname, attrs }) => {
    if (name === '.' || name === '..') return undefined
    const kind = kindOf(attrs, longname) ?? (await kindAt(channel, `${folder}/${name}`, signal))
    if (kind === 'other' || kind === undefined) return undefined
    if (kind === 'folder') return { name, isDirectory: true }
    const size = sizeIn(attrs)
    const stat = kind === 'file' && size !== undefined ? { ...describe(attrs, name), size } : undefined
    return { name, isDirectory: false, stat }
  })
  return items.filter(item => item !== undefined)
}

/** The kind of an item that the listing does not contain; undefined if the item is gone or unreadable. */
async function kindAt(channel: Channel, path: string, signal: AbortSignal): Promise<Kind | undefined> {
  const attributes = await channel.lstat(path, signal).catch(refused)
  if (attributes instanceof SftpError && isMissing(attributes)) return undefined
  const told = attributes instanceof SftpError ? undefined : kindOf(attributes)
  return told ?? probed(channel, path, signal)
}
