import type { CallOptions, FileRef, Repeat } from '../core/call.ts'
import { type Content, contentChunks } from '../core/content.ts'
import { beginDigest, digestOf } from '../core/digests/digest.ts'
import type { Stat, WriteOptions } from '../core/driver.ts'
import { ImproperlyConfigured, progressError, StorageError } from '../core/errors.ts'
import { isTraced } from '../layers/trace.ts'
import type { AnyBase } from './base.ts'
import { checkNoKeptDigest, withDigest } from './kept-digest.ts'
import { spooled } from './spooled.ts'
import type { OnProgress, SaveOptions } from './types.ts'

/** Used as content where only attributes are determined; it cannot be read. */
export const attributesOnly: Content = {
  size: 0,
  replayable: false,
  open() {
    throw new StorageError('unsupported', 'This content has attributes only and cannot be read.')
  },
}

/**
 * Sends content to the driver, transformed by the backend, and with its digest where the option `keepSha256` is set. A conditional write is
 * not repeated after a lost answer: its own first attempt would make the condition fail.
 */
export async function writeContent(
  storage: AnyBase,
  ref: FileRef,
  given: Content,
  write: WriteOptions,
  options: SendOptions,
): Promise<Stat | undefined> {
  checkNoKeptDigest(write)
  const { content, options: prepared } = storage.prepareContent(ref.name, given, write)
  if (!storage.options.keepSha256) return send(storage, ref, content, prepared, options)
  const spool = await keepable(storage, ref.name, content, options)
  try {
    const stored = spool ?? content
    const metadata = withDigest(prepared.metadata, await sha256Of(storage, stored, options))
    return await send(storage, ref, stored, { ...prepared, metadata }, options)
  } finally {
    await spool?.[Symbol.asyncDispose]()
  }
}

/** Options of sending content. */
type SendOptions = CallOptions & Pick<SaveOptions, 'onProgress'> & { readonly paced?: boolean }

/** Returns a spool for content that can be read once and whose digest is unknown: the digest is sent before the bytes. */
async function keepable(
  storage: AnyBase,
  name: string,
  content: Content,
  options: CallOptions,
): Promise<Awaited<ReturnType<typeof spooled>> | undefined> {
  if (!storage.features.metadata) {
    const text = `${storage.constructor.name} keeps no metadata, so that it cannot keep the SHA-256 of files: set keepSha256 to False.`
    throw new ImproperlyConfigured(text)
  }
  const isKnown = content.checksums?.sha256 !== undefined || content.replayable
  return isKnown ? undefined : await spooled(storage, name, content, options)
}

async function sha256Of(storage: AnyBase, content: Content, { signal }: CallOptions): Promise<string> {
  const { bytes, checksums } = content
  if (checksums?.sha256 !== undefined) return checksums.sha256
  if (bytes !== undefined) return digestOf('sha256', bytes)
  const digest = beginDigest('sha256')
  for await (const chunk of contentChunks(content, storage.calls.context({ signal }))) digest.update(chunk)
  return digest.digest()
}

function send(
  storage: AnyBase,
  ref: FileRef,
  content: Content,
  prepared: WriteOptions,
  options: SendOptions,
): Promise<Stat | undefined> {
  const { driver } = storage.calls
  const conditional = prepared.ifAbsent === true || prepared.ifMatch !== undefined
  const repeat: Repeat = content.replayable && (conditional ? 'if_not_applied' : true)
  const { signal, paced, onProgress } = options
  const report = onProgress === undefined ? undefined : bytesReporter(onProgress, content.size)
  let bytes = content.size
  const isCounted = bytes === undefined && isTraced('write')
  const count = (done: number): void => {
    bytes = done
    report?.(done)
  }
  const sent = { ...prepared, onProgress: isCounted ? count : report }
  const call = {
    signal,
    repeat,
    paced,
    streams: content.bytes === undefined,
    bytesSent: () => bytes,
  }
  return storage.calls.run('write', ref, call, ctx => driver.write(ref.key, content, sent, ctx))
}

/** Converts a driver's byte counts to the caller's progress. An error that the callback throws becomes a `StorageError`. */
function bytesReporter(onProgress: OnProgress, total: number | undefined): (bytes: number) => void {
  return loaded => {
    try {
      onProgress({ loaded, total })
    } catch (error) {
      throw progressError(error)
    }
  }
}
