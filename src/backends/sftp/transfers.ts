import type { CallContext } from '../../core/call.ts'
import type { Stat, WriteOptions } from '../../core/driver.ts'
import { StorageError, withOutcome, wrapError } from '../../core/errors.ts'
import { lookAt } from './access.ts'
import { describe, sizeIn } from './attributes.ts'
import { copyPlace } from './copying.ts'
import { classifySftp } from './errors.ts'
import type { Ground } from './ground.ts'
import { remove } from './removal.ts'
import { inFolder, notApplied } from './temporary.ts'
import type { Writing } from './writing.ts'

/** Copies and moves within a storage. */
export class Transfers {
  readonly #ground: Ground
  readonly #writing: Writing

  constructor(ground: Ground, writing: Writing) {
    this.#ground = ground
    this.#writing = writing
  }

  /** Copies on the server if it supports this, otherwise through this machine. The new file gets the mode of its source. */
  async copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    const source = this.#ground.root.place(from)
    return this.#writing.put(to, options, ctx, (writer, _onProgress, channel, handle) =>
      copyPlace(this.#ground, channel, source, handle, writer, ctx),
    )
  }

  /** Renames a file. A link is copied and then removed, since its target may be invalid at another place. */
  async move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    const { root, folders, sessions, publication } = this.#ground
    const [source, target] = [root.place(from), root.place(to)]
    let hasBegun = false
    const moved = await sessions
      .use(ctx, async channel => {
        const { attributes, kind, isLink } = await lookAt(folders, channel, source, ctx.signal)
        if (kind === 'folder') throw new StorageError('is_directory', `'${source.base}' is a directory.`)
        if (isLink) return undefined
        const stat = { ...describe(attributes, target.base), size: sizeIn(attributes) ?? 0 }
        if (from === to) {
          if (options.ifAbsent === true) throw new StorageError('exists', `'${target.base}' exists.`)
          return stat
        }
        await inFolder(this.#ground, channel, target, ctx, () => {
          hasBegun = true
          const file = { path: source.path, attributes, isTemporary: false }
          return publication.publish(channel, file, target, options.ifAbsent === true, ctx)
        })
        return stat
      })
      .catch(error => {
        throw hasBegun ? error : notApplied(error)
      })
    if (moved !== undefined) return moved
    const copied = await this.copy(from, to, options, ctx)
    await sessions
      .use(ctx, channel => remove(channel, source.path, false, ctx.signal))
      .catch(error => {
        const details = { operation: 'move', fileName: from, backend: 'sftp' }
        throw withOutcome(wrapError(error, details, classifySftp), 'unknown')
      })
    return copied
  }
}
