import { release } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import { streamContent } from '../../core/content.ts'
import { beginDigest } from '../../core/digests/digest.ts'
import type { Driver, Stat, WriteOptions } from '../../core/driver.ts'
import { StorageError } from '../../core/errors.ts'
import { failureOf } from '../../remote/batches.ts'
import { conditionFailed } from '../../remote/conditions.ts'
import { onlyOnce } from '../../remote/only-once.ts'
import { BATCH_LIMIT, batchErrors } from './batch.ts'
import type { DropboxClient } from './client.ts'
import { classifyDropbox, dropboxErrorOf } from './errors.ts'
import type { Lookup } from './lookup.ts'
import { fileAt } from './metadata.ts'
import { isSameKey, newPath, pathOf } from './names.ts'

/** The source of a copy or move, by its key, and its new key. */
export interface Relocation {
  readonly from: string
  readonly to: string
}

/** The two ways. */
export type Verb = 'copy' | 'move'

/** Reads, writes and deletes single files. */
export type FileCalls = Pick<Driver, 'read' | 'write' | 'delete'>

const RESULT = { fields: ['metadata'] }

/** Copies and moves at the service, which never replaces files. */
export class Relocations {
  readonly #client: DropboxClient
  readonly #lookup: Lookup
  readonly #files: FileCalls

  constructor(client: DropboxClient, lookup: Lookup, files: FileCalls) {
    this.#client = client
    this.#lookup = lookup
    this.#files = files
  }

  /**
   * Copies or moves one file. To replace a file at the target, the bytes pass through this machine, so that the old file stays until the
   * new one is complete. If both names are spellings of one file, nothing is done.
   * (https://www.dropbox.com/developers/documentation/http/documentation#files-copy)
   */
  async one(verb: Verb, pair: Relocation, { ifAbsent }: WriteOptions, ctx: CallContext): Promise<Stat | undefined> {
    const { from, to } = pair
    const source = await this.#lookup.file(from, ctx)
    if (isSameKey(from, to)) {
      if (verb === 'copy' && ifAbsent === true) throw new StorageError('exists', 'The key is taken.')
      return source.stat
    }
    const send = async (step: CallContext): Promise<Stat> =>
      fileAt((await this.#client.rpc(`files/${verb}_v2`, argOf(pair), step, RESULT))['metadata'], pathOf(to)).stat
    // A file keeps its id when it is moved.
    const found = async (step: CallContext): Promise<Stat | undefined> => {
      const { stat, id, hash } = (await this.#lookup.present(to, step)) ?? {}
      const isOurs = verb === 'move' ? id === source.id : hash !== undefined && hash === source.hash
      return isOurs ? stat : undefined
    }
    const isRefused = (error: StorageError): boolean =>
      isTaken(error) || (verb === 'move' && error.code === 'not_found')
    try {
      return await onlyOnce({ send, found, isRefused, classify: classifyDropbox }, ctx)
    } catch (error) {
      if (!isTaken(error)) throw error
      if (ifAbsent === true) throw new StorageError('exists', 'The key is taken.', { cause: error })
    }
    // The name may be another spelling of the same file.
    const target = await ctx.step('stat', true, step => this.#lookup.present(to, step))
    if (target !== undefined && target.id === source.id) return source.stat
    const stat = await this.#replace(pair, ctx)
    if (verb === 'move') await ctx.step('delete', true, step => this.#files.delete(from, step))
    return stat
  }

  /**
   * Copies or moves files and whole folders in batches. Returns the error of each failed pair, in the order of the pairs. An existing
   * target is `exists`. A batch is sent again only if nothing of it was done. A batch that fails as a whole sets that error for each pair;
   * if the first batch fails, the error is thrown.
   */
  async many(verb: Verb, pairs: readonly Relocation[], ctx: CallContext): Promise<Array<StorageError | undefined>> {
    const all: Array<StorageError | undefined> = []
    for (let at = 0; at < pairs.length; at += BATCH_LIMIT) {
      const some = pairs.slice(at, at + BATCH_LIMIT)
      let errors: ReadonlyArray<StorageError | undefined> = []
      const send = async (step: CallContext): Promise<void> => {
        errors = await this.#batch(verb, some, step)
      }
      const failed = await failureOf(ctx, `${verb}Batch`, send, 'if_not_applied')
      if (failed !== undefined && at === 0) throw failed
      for (const [index, pair] of some.entries()) {
        all.push(failed === undefined ? await this.#settled(verb, pair, errors[index], ctx) : sameError(failed))
        ctx.progress()
      }
    }
    return all
  }

  #batch(verb: Verb, pairs: readonly Relocation[], ctx: CallContext): Promise<Array<StorageError | undefined>> {
    const arg = { entries: pairs.map(pathsOf), autorename: false }
    const batch = { start: `files/${verb}_batch_v2`, check: `files/${verb}_batch/check_v2`, arg }
    return batchErrors(this.#client, batch, pairs.length, ctx)
  }

  /** The result of a pair, for which the batch reported `said`. Pairs that met a lock are repeated one after another, each after a wait. */
  async #settled(
    verb: Verb,
    pair: Relocation,
    said: StorageError | undefined,
    ctx: CallContext,
  ): Promise<StorageError | undefined> {
    const send = (step: CallContext) => this.#client.rpc(`files/${verb}_v2`, argOf(pair), step, RESULT)
    const error = said?.code === 'throttled' ? await failureOf(ctx, verb, send, 'if_not_applied', said) : said
    return error && (conditionFailed(error, { ifAbsent: true }, classifyDropbox) as StorageError)
  }

  async #replace({ from, to }: Relocation, ctx: CallContext): Promise<Stat | undefined> {
    const { body, stat } = await this.#files.read(from, {}, ctx)
    const hash = beginDigest('dropbox')
    const expected = stat?.checksums?.dropbox
    const checked = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of body.stream() as AsyncIterable<Uint8Array>) {
        hash.update(chunk)
        yield chunk
      }
      if (expected === undefined || hash.digest() === expected) return
      throw new StorageError('checksum_mismatch', 'The stored bytes differ from those of the source.')
    }
    try {
      return await this.#files.write(to, streamContent(checked()), {}, ctx)
    } finally {
      release({ body })
    }
  }
}

function argOf(pair: Relocation): object {
  return { ...pathsOf(pair), autorename: false }
}

function pathsOf({ from, to }: Relocation): object {
  return { from_path: pathOf(from), to_path: newPath(to) }
}

/** The error of a whole batch for one of its pairs, whose name is added. */
function sameError(failed: StorageError): StorageError {
  const { code, message, status, outcome } = failed
  return new StorageError(code, message, { cause: failed, status, outcome, retryable: false })
}

/** Whether a copy or move was refused because there is a file at the target. */
function isTaken(error: unknown): boolean {
  const native = dropboxErrorOf(error)
  return native?.tags[0] === 'to' && classifyDropbox(native) === 'precondition_failed'
}
