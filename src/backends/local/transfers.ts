import type { BigIntStats } from 'node:fs'
import type { CallContext } from '../../core/call.ts'
import type { FileAttributes, Stat, WriteOptions } from '../../core/driver.ts'
import { classifyErrno, unless } from '../../core/errno.ts'
import { StorageError, withOutcome, wrapError } from '../../core/errors.ts'
import type { Access } from './access.ts'
import type { Anchor } from './anchor.ts'
import { unlinkSame } from './atomic-write.ts'
import { closeRead, copyBytes } from './bytes.ts'
import { withAttributes } from './open-file.ts'
import type { Place } from './place.ts'
import { beating, policyFor, publishFile, publishTemporary, syncPublished } from './publication.ts'
import { removeSidecar } from './sidecar.ts'
import { statOf } from './stat.ts'
import { OTHER_DEVICE } from './taken-file.ts'
import { withTemporary } from './temporary.ts'

/** Copies and moves within a storage. */
export class Transfers {
  readonly #access: Access

  constructor(access: Access) {
    this.#access = access
  }

  /** Copies within the file system, sharing blocks if possible. */
  copy(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    return this.#access.root.held(at => this.#copy(from, to, options, ctx, at))
  }

  /** Renames if possible, otherwise copies and deletes. */
  move(from: string, to: string, options: WriteOptions, ctx: CallContext): Promise<Stat> {
    return this.#access.root.held(async at => {
      const moved = await this.#access.reading(from, at, async (place, look, drop) => {
        const [source, attributes] = await withAttributes(place, this.#access.policy.keepMetadata, look, drop)
        await closeRead(source.handle)
        if (source.linked) return undefined
        if (from === to) {
          if (options.ifAbsent === true) throw new StorageError('exists', `'${to}' exists.`)
          return statOf(source.stats, attributes)
        }
        const write = this.#inherited(attributes, options)
        return unless([OTHER_DEVICE], this.#rename(place, source.stats, from, to, write, ctx, at))
      })
      if (moved !== undefined) return moved
      const copied = await this.#copy(from, to, options, ctx, at)
      await this.#access.delete(from, { at }).catch(error => this.#left(from, error))
      return copied
    })
  }

  async #copy(from: string, to: string, options: WriteOptions, ctx: CallContext, at: Anchor): Promise<Stat> {
    const { source, write } = await this.#access.reading(from, at, async (place, look, drop) => {
      const [source, attributes] = await withAttributes(place, this.#access.policy.keepMetadata, look, drop)
      return { source, write: this.#inherited(attributes, options) }
    })
    try {
      return await this.#access.writing(
        to,
        async place => {
          const policy = await policyFor(place, write, this.#access.policy)
          return withTemporary(place.folder, policy, async temporary => {
            await beating(copyBytes(source.handle, temporary.handle), ctx)
            return publishTemporary(temporary, place, write, policy, ctx)
          })
        },
        { at },
      )
    } finally {
      await closeRead(source.handle)
    }
  }

  async #rename(
    source: Place,
    stats: BigIntStats,
    from: string,
    to: string,
    write: WriteOptions,
    ctx: CallContext,
    at: Anchor,
  ): Promise<Stat> {
    const { keepMetadata, fsync } = this.#access.policy
    const work = async (place: Place): Promise<Stat> => {
      ctx.signal.throwIfAborted()
      const moved = await publishFile(source.path, stats, place, write, this.#access.policy)
      // Two names of one inode: renaming one to the other does nothing. (rename(2))
      if (stats.nlink > 1n) await unlinkSame(source.path, stats).catch(error => this.#left(from, error))
      if (keepMetadata) await removeSidecar(source, stats)
      if (fsync && source.anchor.real !== place.anchor.real) await syncPublished(source)
      return moved
    }
    return this.#access.writing(to, work, { at })
  }

  /** The failure of a move that has made the new name but could not remove the old one. */
  #left(from: string, error: unknown): never {
    const details = { operation: 'move', fileName: from, backend: 'local' }
    throw withOutcome(wrapError(error, details, classifyErrno), 'unknown')
  }

  #inherited(kept: FileAttributes, options: WriteOptions): WriteOptions {
    if (!this.#access.policy.keepMetadata) return options
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
    return { ...kept, ...given }
  }
}
