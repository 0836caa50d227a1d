import type { CallContext } from '../../core/call.ts'
import type { DeleteResult } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { forEachParallel } from '../../core/parallel.ts'
import { type BatchAnswer, Batches, failureOf } from '../../remote/batches.ts'
import { deleted } from '../../remote/conditions.ts'
import { BATCH_LIMIT, batchErrors } from './batch.ts'
import type { DropboxClient } from './client.ts'
import { checkedRev } from './commit.ts'
import { classifyDropbox } from './errors.ts'
import type { Lookup } from './lookup.ts'
import { pathOf } from './names.ts'

/** Number of files that are looked up in parallel before a batch. */
const ASKED_AT_ONCE = 8

/** Number of empty pages after which a folder counts as not empty. */
const MAX_EMPTY_PAGES = 100

/** Deletes files, and empty folders. The service itself would delete a whole tree, so requests contain the revision to delete. */
export class Deletion {
  readonly #client: DropboxClient
  readonly #lookup: Lookup
  readonly #batches: Batches<undefined>

  constructor(client: DropboxClient, lookup: Lookup) {
    this.#client = client
    this.#lookup = lookup
    this.#batches = new Batches<undefined>({
      limit: BATCH_LIMIT,
      holds: () => true,
      send: (keys, ctx) => this.#send(keys, ctx),
      delete: (key, ctx) => this.delete(key, ctx),
      isUnsupported: () => false,
      againSingly: true,
    })
  }

  /** A missing file or folder is no error. */
  async delete(key: string, ctx: CallContext): Promise<void> {
    for (let before: string | undefined; ; ) {
      const found = await this.#lookup.present(key, ctx)
      if (found === undefined) return
      const { isDirectory, etag } = found.stat
      if (isDirectory === true) await this.#needEmpty(key, ctx)
      const arg = isDirectory === true ? { path: pathOf(key) } : entryOf(key, etag)
      try {
        await this.#client.rpc('files/delete_v2', arg, ctx, { fields: ['metadata'] })
        return
      } catch (error) {
        const code = classifyDropbox(error)
        if (code === 'not_found') return
        // The file was replaced after the look-up, and the new one must be deleted. If the revision is the same again, there is no
        // progress.
        if (code !== 'precondition_failed' || isDirectory === true || etag === before) throw error
        before = etag
        ctx.progress()
      }
    }
  }

  /** Deletes one revision. Code `precondition_failed` for another revision, a missing file, and a folder, which has no revision. */
  async deleteVersion(key: string, rev: string, ctx: CallContext): Promise<void> {
    const arg = entryOf(key, checkedRev(rev))
    const request = this.#client.rpc('files/delete_v2', arg, ctx, { fields: ['metadata'] })
    await deleted(request, { ifMatch: rev }, classifyDropbox)
  }

  deleteMany(keys: readonly string[], ctx: CallContext): Promise<readonly DeleteResult[]> {
    return this.#batches.deleteMany(keys, ctx, undefined)
  }

  async #send(keys: readonly string[], ctx: CallContext): Promise<BatchAnswer> {
    const results = new Map<string, StorageError | undefined>()
    const files: Array<{ readonly key: string; readonly entry: object }> = []
    const singly = async (key: string): Promise<void> => {
      results.set(key, await failureOf(ctx, 'delete', step => this.delete(key, step)))
    }
    await forEachParallel(keys, { limit: ASKED_AT_ONCE, signal: ctx.signal }, async key => {
      let stat: { readonly isDirectory?: boolean | undefined; readonly etag?: string | undefined } | undefined
      const asked = await failureOf(ctx, 'stat', async step => {
        stat = (await this.#lookup.present(key, step))?.stat
      })
      results.set(key, asked)
      if (stat?.isDirectory === true) await singly(key)
      else if (stat !== undefined) files.push({ key, entry: entryOf(key, stat.etag) })
      ctx.progress()
    })
    if (files.length === 0) return results
    const arg = { entries: files.map(({ entry }) => entry) }
    const batch = { start: 'files/delete_batch', check: 'files/delete_batch/check', arg }
    const errors = await batchErrors(this.#client, batch, files.length, ctx)
    for (const [at, { key }] of files.entries()) {
      const code = errors[at]?.code
      if (code === 'precondition_failed') await singly(key)
      else results.set(key, code === 'not_found' ? undefined : errors[at])
    }
    return results
  }

  async #needEmpty(key: string, ctx: CallContext): Promise<void> {
    const options = { lists: ['entries'], fields: ['cursor', 'has_more'], reads: true }
    let page = await this.#client.rpc('files/list_folder', { path: pathOf(key), limit: 1 }, ctx, options)
    const isEmpty = (): boolean => (page['entries'] as unknown[]).length === 0
    // A page may be empty although there are more entries: deleted files leave empty pages.
    for (let pages = 1; isEmpty() && page['has_more'] === true && pages < MAX_EMPTY_PAGES; pages++) {
      page = await this.#client.rpc('files/list_folder/continue', { cursor: page['cursor'] }, ctx, options)
    }
    if (isEmpty() && page['has_more'] === false) return
    throw new StorageError('is_directory', `'${key}' is a directory that is not empty.`)
  }
}

function entryOf(key: string, rev: string | undefined): object {
  return { path: pathOf(key), parent_rev: rev }
}
