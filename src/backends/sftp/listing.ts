import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import type { FolderItem } from '../../remote/folder-items.ts'
import type { TreeProtocol } from '../../remote/tree-listing.ts'
import { describe, kindOf, sizeIn } from './attributes.ts'
import { classifySftp, isStatus, STATUS } from './errors.ts'
import type { Ground } from './ground.ts'
import type { DirectoryItem } from './ssh2.ts'

/** Reads folders of the server for a listing. */
export class FolderReader implements TreeProtocol {
  readonly #ground: Pick<Ground, 'root' | 'folders' | 'sessions'>
  readonly #stat: (key: string, ctx: CallContext) => Promise<Stat>

  /** `stat` tells what one file or link is. */
  constructor(
    ground: Pick<Ground, 'root' | 'folders' | 'sessions'>,
    stat: (key: string, ctx: CallContext) => Promise<Stat>,
  ) {
    this.#ground = ground
    this.#stat = stat
  }

  async *read(prefix: string, ctx: CallContext): AsyncGenerator<readonly FolderItem[]> {
    const { root, folders, sessions } = this.#ground
    const lease = await sessions.pool.lease(ctx)
    try {
      const channel = lease.connection
      const components = root.components(prefix)
      await folders.find(channel, components, ctx.signal)
      const handle = await channel.openFolder(root.join(components), ctx.signal)
      try {
        for (;;) {
          const names = await channel.readFolder(handle, ctx.signal).catch(error => {
            if (isStatus(error, STATUS.eof)) return []
            throw error
          })
          if (names.length === 0) return
          ctx.progress()
          lease.touch()
          yield names.map(itemOf).filter(item => item !== undefined)
        }
      } finally {
        await channel.closeHandle(handle).catch(() => undefined)
      }
    } finally {
      lease.release()
    }
  }

  async look(key: string, ctx: CallContext): Promise<Stat | undefined> {
    return this.#stat(key, ctx)
  }

  classify(error: unknown): ReturnType<typeof classifySftp> {
    return error instanceof StorageError ? error.code : classifySftp(error)
  }
}

/** Undefined for what is neither a file nor a folder. A link, and what the server tells too little of, is asked about later. */
function itemOf({ filename, longname, attrs }: DirectoryItem): FolderItem | undefined {
  const kind = kindOf(attrs, longname)
  if (kind === 'other') return undefined
  if (kind === 'folder') return { name: filename, isDirectory: true }
  const size = sizeIn(attrs)
  const stat = kind === 'file' && size !== undefined ? { ...describe(attrs, filename), size } : undefined
  return { name: filename, isDirectory: false, stat }
}
