import type { CallContext } from '../core/call.ts'
import type { Content } from '../core/content.ts'
import type { Stat } from '../core/driver.ts'
import { isStorageError, StorageError, withOutcome } from '../core/errors.ts'
import { mapParallel } from '../core/parallel.ts'
import { bodySize } from '../http/request.ts'
import { detached } from './aftermath.ts'
import type { Bytes } from './checksums.ts'
import { shownText } from './http-error.ts'
import type { Stop } from './open-uploads.ts'
import type { PartPlan } from './part-plan.ts'
import type { Creation, PartProtocol, UploadTarget } from './part-protocol.ts'
import {
  followed,
  type PartLimits,
  type Piece,
  type PieceRange,
  partSizeFor,
  piecesOf,
  rangesOf,
  restOf,
  takeFirst,
} from './pieces.ts'

/**
 * Writes an object: with one request up to the threshold, otherwise in parts. The object is either complete or unchanged. A write that
 * fails, is aborted or is ended by `OpenUploads#close` leaves no upload behind; if an upload cannot be removed, the error's message
 * contains its id.
 *
 * @example
 * async write(key: string, content: Content, options: WriteOptions, ctx: CallContext) {
 *   const conditions = this.#conditions.headersOf(options)
 *   const plan = partPlan(this.#uploads, this.#options, { put: conditions, finish: conditions })
 *   return writeObject(this.#parts, { key, options, conditions }, content, plan, ctx)
 * }
 */
export async function writeObject<U, P, T extends UploadTarget>(
  protocol: PartProtocol<U, P, T>,
  target: T,
  content: Content,
  plan: PartPlan,
  ctx: CallContext,
): Promise<Stat | undefined> {
  const { bytes } = content
  const isSmall = bytes !== undefined && bytes.byteLength <= plan.threshold
  if (isSmall && canPut(protocol)) return await putWhole(protocol, target, bytes, ctx)
  return await plan.uploads.run(ctx, (inner, stop) => writePieces(protocol, target, content, plan, inner, stop))
}

/** Makes an object from ranges of another one that the service copies. */
export function copyInRanges<U, P, T extends UploadTarget>(
  protocol: PartProtocol<U, P, T>,
  target: T,
  source: { readonly size: number },
  copyPart: (upload: U, range: PieceRange, ctx: CallContext) => Promise<P>,
  plan: PartPlan,
  ctx: CallContext,
): Promise<Stat | undefined> {
  const { limits } = protocol
  const ranges = rangesOf(source.size, partSizeFor(source.size, plan.partSize, limits))
  return plan.uploads.run(ctx, (inner, stop) =>
    inUpload(protocol, target, plan, inner, upload =>
      mapParallel(ranges, { limit: atOnce(limits, plan), stop }, range =>
        inner.step('copyPart', limits.sequential === true ? 'if_not_applied' : true, step =>
          copyPart(upload, range, step),
        ),
      ),
    ),
  )
}

/** Number of parts that are sent in parallel. */
function atOnce({ sequential }: PartLimits, { concurrency }: PartPlan): number {
  return sequential === true ? 1 : concurrency
}

/** A protocol that can write a whole object with one request. */
type WithPut<U, P, T extends UploadTarget> = PartProtocol<U, P, T> & Required<Pick<PartProtocol<U, P, T>, 'put'>>

function canPut<U, P, T extends UploadTarget>(protocol: PartProtocol<U, P, T>): protocol is WithPut<U, P, T> {
  return protocol.put !== undefined
}

async function putWhole<U, P, T extends UploadTarget>(
  protocol: WithPut<U, P, T>,
  target: T,
  body: Bytes,
  ctx: CallContext,
): Promise<Stat | undefined> {
  const stat = await protocol.put(target, body, ctx)
  target.options.onProgress?.(bodySize(body))
  return stat
}

async function writePieces<U, P, T extends UploadTarget>(
  protocol: PartProtocol<U, P, T>,
  target: T,
  content: Content,
  plan: PartPlan,
  ctx: CallContext,
  stop: Stop,
): Promise<Stat | undefined> {
  const { limits } = protocol
  const { size } = content
  const isSmall = size !== undefined && size <= plan.threshold
  const wanted = isSmall ? Math.max(1, plan.threshold) : partSizeFor(size, plan.partSize, limits)
  const pieces = piecesOf(content, wanted, limits, ctx)
  const isSequential = limits.sequential === true
  try {
    // A sequential piece has a mark that shows whether it is the last one.
    const taken = await takeFirst(pieces, isSequential ? 1 : 2)
    if ((isSequential ? taken[0]!.last === true : taken.length < 2) && canPut(protocol)) {
      const { chunks } = taken[0]!
      if (content.replayable) return await putWhole(protocol, target, chunks, ctx)
      // The content cannot be read again from its beginning, but its bytes are in memory.
      return await ctx.step('putObject', plan.repeat.put, step => putWhole(protocol, target, chunks, step))
    }
    const all = followed(taken, pieces)
    return await inUpload(protocol, target, plan, ctx, upload =>
      sendPieces(protocol, upload, target, all, plan, ctx, stop),
    )
  } finally {
    await pieces.return(undefined)
  }
}

async function sendPieces<U, P, T extends UploadTarget>(
  protocol: PartProtocol<U, P, T>,
  upload: U,
  { options: { onProgress } }: T,
  pieces: AsyncIterable<Piece>,
  plan: PartPlan,
  ctx: CallContext,
  stop: Stop,
): Promise<P[]> {
  let sent = 0
  const limit = atOnce(protocol.limits, plan)
  return mapParallel(pieces, { limit, stop }, async piece => {
    const part = await sendPiece(protocol, upload, piece, ctx)
    piece.release?.()
    sent += piece.size
    onProgress?.(sent)
    return part
  })
}

/**
 * Sends one part. Of a sequential upload, only the bytes that the service does not have are sent again. `isDoubtful`: some may have arrived
 * before.
 */
export async function sendPiece<U, P, T extends UploadTarget>(
  protocol: PartProtocol<U, P, T>,
  upload: U,
  piece: Piece,
  ctx: CallContext,
  isDoubtful = false,
): Promise<P> {
  const isRepeatable = protocol.limits.sequential !== true || protocol.stored !== undefined
  let again = isDoubtful
  let displaced: StorageError | undefined
  try {
    return await ctx.step('uploadPart', isRepeatable ? true : 'if_not_applied', async step => {
      const offset = again && protocol.limits.sequential === true ? await protocol.stored?.(upload, step) : undefined
      again = true
      if (offset === undefined) return protocol.part(upload, piece, step)
      if (offset < piece.offset || offset > piece.offset + piece.size) throw (displaced = displacedError(piece, offset))
      return protocol.part(upload, restOf(piece, offset), step)
    })
  } catch (error) {
    if (displaced === undefined) throw error
    // A new error without the step's retries: content that can be read again is then sent from its beginning.
    throw new StorageError('unavailable', displaced.message, { cause: error, outcome: 'not_applied' })
  }
}

function displacedError({ offset, size }: Piece, stored: number): StorageError {
  const text = `The service has ${stored} bytes of the upload where ${offset} to ${offset + size} were expected.`
  return new StorageError('unavailable', text, { outcome: 'not_applied', retryable: false })
}

/** Begins an upload, runs `work` to send its parts and finishes it. Ends the upload if anything fails. */
async function inUpload<U, P, T extends UploadTarget>(
  protocol: PartProtocol<U, P, T>,
  target: T,
  plan: PartPlan,
  ctx: CallContext,
  work: (upload: U) => Promise<readonly P[]>,
): Promise<Stat | undefined> {
  const { uploads } = plan
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let stage: 'parts' | 'before' | 'finish' = 'parts'
  let begun: { readonly upload: U; readonly id: string | undefined } | undefined
  try {
    const upload = await begin(protocol, target, plan, ended, ctx)
    const id = protocol.idOf?.(upload)
    if (id !== undefined) uploads.ids.add(id)
    begun = { upload, id }
    const parts = await work(upload)
    stage = 'before'
    await plan.beforeFinish?.(ctx)
    stage = 'finish'
    return await finish(protocol, upload, parts, target, plan, ctx)
  } catch (error) {
    if (begun === undefined) throw error
    const mayBeDone = stage === 'finish' && (!isStorageError(error) || error.outcome !== 'not_applied')
    const isEnded = await protocol.end(begun.upload, { mayBeDone }, detached(ctx)).catch(() => false)
    if (!isEnded) addRemains(error, target, begun.id)
    throw protocol.isGone?.(error) ? endedElsewhere(target, error, 'not_applied') : error
  } finally {
    if (begun?.id !== undefined) uploads.ids.delete(begun.id)
    end()
  }
}

/** Begins an upload and reports the result to `protocol.begun`. */
export async function begin<U, P, T extends UploadTarget>(
  protocol: PartProtocol<U, P, T>,
  target: T,
  { uploads }: PartPlan,
  ended: Promise<void>,
  ctx: CallContext,
): Promise<U> {
  const since = Date.now()
  let lost = false
  let tries = 0
  const report = (): void => {
    const creation: Creation = { since, until: Date.now(), tries, lost }
    if (protocol.begun !== undefined) void uploads.keep(protocol.begun(target, creation, ended, ctx))
  }
  try {
    const upload = await ctx.step('createUpload', true, async outer => {
      tries++
      return outer
        .step('sendCreation', false, step => protocol.begin(target, step))
        .catch(error => {
          lost ||= !isStorageError(error) || error.outcome !== 'not_applied'
          throw error
        })
    })
    report()
    return upload
  } catch (error) {
    lost ||= !isStorageError(error) || error.outcome === 'unknown'
    // An overloaded service may report a failure for a request that it has carried out.
    if (lost || tries > 1 || (error as StorageError).retryable) report()
    throw error
  }
}

/**
 * Finishes an upload. If the answer was lost, `fate` finds the result: the upload still exists and can be finished again, even under a
 * condition; or it is gone and the object consists of the parts.
 */
export function finish<U, P, T extends UploadTarget>(
  protocol: PartProtocol<U, P, T>,
  upload: U,
  parts: readonly P[],
  target: T,
  { repeat }: PartPlan,
  ctx: CallContext,
): Promise<Stat | undefined> {
  if (protocol.fate === undefined)
    return ctx.step('completeUpload', repeat.finish, step => protocol.finish(upload, parts, step))
  let lost = false
  return ctx.step('completeUpload', true, async outer => {
    try {
      return await outer.step('sendCompletion', repeat.finish, step => protocol.finish(upload, parts, step))
    } catch (error) {
      if (!isStorageError(error)) throw error
      lost ||= error.outcome === 'unknown'
      const fate = await protocol.fate!(upload, parts, { error, lost }, outer).catch(reason => {
        throw lost ? withOutcome(reason, 'unknown') : reason
      })
      if (fate === 'done') return undefined
      if (fate === 'gone') throw endedElsewhere(target, error, 'unknown')
      // The request was sent twice, but the upload still exists, so the refusal is valid. An error with a more precise code keeps it.
      if (error.status === 412 && error.code === 'unavailable')
        throw new StorageError('precondition_failed', error.message, { cause: error, status: 412 })
      throw error
    }
  })
}

function endedElsewhere({ key }: UploadTarget, cause: unknown, outcome: 'not_applied' | 'unknown'): StorageError {
  return new StorageError('unavailable', `The upload of '${key}' in parts was ended by another client.`, {
    cause,
    outcome,
  })
}

/** Adds the data that the service still keeps and bills to the message. */
function addRemains(error: unknown, { key }: UploadTarget, id: string | undefined): void {
  if (!(error instanceof Error)) return
  const what = id === undefined ? 'there' : `as the unfinished upload ${shownText(id)}`
  error.message += ` What was sent of '${key}' could not be removed and stays ${what}.`
}
