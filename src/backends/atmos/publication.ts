import { setTimeout as sleep } from 'node:timers/promises'
import type { CallContext } from '../../core/call.ts'
import type { Stat } from '../../core/driver.ts'
import { StorageError, wrapError } from '../../core/errors.ts'
import type { AtmosClient } from './client.ts'
import { classifyAtmos } from './errors.ts'
import { type Found, lookFor } from './lookup.ts'
import { publicStat } from './metadata.ts'
import { isPlainText } from './tags.ts'
import type { AtmosUpload } from './upload.ts'

/** A path that is renamed. */
export interface Renaming {
  readonly from: string
  readonly to: string
  /** Whether an existing object of that name is kept, and the renaming fails with `exists`. */
  readonly isNew: boolean
  /** The id of the renamed object, used to look up a lost answer. */
  readonly objectId: string | undefined
}

const NOTHING = Buffer.alloc(0)
/** The wait between two look-ups, and their number: an overwriting rename of Atmos may take seconds to become visible. */
const FIRST_WAIT_MS = 50
const LOOKS = 9
/** Number of look-ups if the found object may have been made in the same second. */
const LOOKS_AT_ONCE = 6
const SECOND_MS = 1000

/** Codes after which the object under the new name is looked up: the request may have been carried out. */
const DOUBTS: ReadonlySet<string | undefined> = new Set(['not_found', 'exists', 'throttled', 'unavailable', 'timeout'])

/**
 * Renames an object. After a lost answer, the object under the new name shows the result. An existing name is `exists`, a folder's name
 * `is_directory`.
 */
export async function rename(client: AtmosClient, renaming: Renaming, ctx: CallContext): Promise<void> {
  const { from, to, isNew, objectId } = renaming
  const isPlain = isPlainText(to)
  const headers: Record<string, string> = { 'x-emc-path': isPlain ? to : encodePath(to) }
  if (!isPlain) headers['x-emc-utf8'] = 'true'
  if (!isNew) headers['x-emc-force'] = 'true'
  await ctx.step('rename', true, async step => {
    try {
      const sending = { method: 'POST', path: from, query: 'rename', headers, body: NOTHING } as const
      await step.step('sendRename', false, each => client.done(sending, each))
    } catch (error) {
      const { code } = wrapError(error, {}, classifyAtmos)
      const found = DOUBTS.has(code) ? await step.step('stat', true, each => lookFor(client, to, each)) : undefined
      if (objectId !== undefined && found?.objectId === objectId) return
      if (code !== 'exists' || found?.isDirectory !== true) throw error
      throw new StorageError('is_directory', 'There is a folder of that name.', { cause: error })
    }
  })
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

/**
 * Publishes the temporary object of an upload under its name; returns the object there if it is this one. The answer to the renaming is
 * compared with the object under the name; if that cannot be looked up, the answer counts.
 */
export async function publish(client: AtmosClient, upload: AtmosUpload, ctx: CallContext): Promise<Stat | undefined> {
  const { target, path, objectId } = upload
  const to = client.pathOf(target.key)
  await rename(client, { from: path, to, isNew: target.options.isNew === true, objectId }, ctx)
  for (let looks = 1, waitMs = FIRST_WAIT_MS; ; looks++, waitMs *= 2) {
    const { found, failed } = await seenAt(client, to, ctx)
    if (failed !== undefined) return undefined
    if (found !== undefined && isOurs(found, upload)) return verified(found, upload)
    // Another object in its place was made later, unless the renaming is not visible yet.
    const isReplaced = looks >= looksAt(found, upload)
    if (isReplaced && (await seenAt(client, path, ctx)).found === undefined) return undefined
    if (looks === LOOKS) throw lateAnswer()
    ctx.progress()
    await sleep(waitMs, undefined, { signal: ctx.signal })
  }
}

/** The object at a path; an error if it cannot be looked up. */
async function seenAt(
  client: AtmosClient,
  path: string,
  ctx: CallContext,
): Promise<{ readonly found?: Found | undefined; readonly failed?: unknown }> {
  try {
    return { found: await ctx.step('stat', true, step => lookFor(client, path, step)) }
  } catch (failed) {
    if (ctx.signal.aborted) throw failed
    return { failed }
  }
}

/** Whether the object is the one that was written. True if the service does not report its id. */
function isOurs({ objectId }: Found, upload: AtmosUpload): boolean {
  return objectId === undefined || objectId === upload.objectId
}

/** Number of look-ups after which the found object counts as made later: by the service's clock, which has whole seconds. */
function looksAt(found: Found | undefined, upload: AtmosUpload): number {
  if (found === undefined) return LOOKS
  const { createdAt } = found
  if (createdAt === undefined || upload.createdAt === undefined) return 1
  const laterMs = createdAt.getTime() - upload.createdAt
  if (laterMs > SECOND_MS) return 1
  return laterMs < -SECOND_MS ? Number.POSITIVE_INFINITY : LOOKS_AT_ONCE
}

function verified(found: Found, { sums }: AtmosUpload): Stat {
  if (found.size === sums.size) return publicStat(found)
  const text = `The service has ${found.size} bytes of the ${sums.size} that were written.`
  throw new StorageError('unavailable', text, { outcome: 'unknown', retryable: false })
}

/** The error of a renaming that succeeded by its answer but is not visible. */
function lateAnswer(): StorageError {
  const text = 'The service reports that the object was renamed, but does not find it under the new name.'
  return new StorageError('unavailable', text, { outcome: 'unknown', retryable: false })
}
