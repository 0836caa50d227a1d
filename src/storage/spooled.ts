import type { CallOptions } from '../core/call.ts'
import { type Content, contentChunks } from '../core/content.ts'
import { notBegun } from '../core/errors.ts'
import { Spool } from '../files/spool.ts'
import type { AnyBase } from './base.ts'
import type { CommonOptions } from './common-settings.ts'

/**
 * Bytes that a save holds in memory where `maxMemorySize` has no limit: that option is about opened files, not about streams that are
 * saved.
 */
const DEFAULT_MEMORY = 8_388_608

/**
 * Makes content that can be read only once repeatable, by a spool. The disposal of the result releases the spool. If it fails, nothing was
 * sent.
 */
export async function spooled(
  storage: AnyBase,
  name: string,
  content: Content,
  options: CallOptions,
): Promise<Content & AsyncDisposable> {
  const { calls } = storage
  const { signal } = options
  const { maxMemorySize, tempDir } = storage.options
  const spool = newSpool({ tempDir, maxMemorySize: maxMemorySize || DEFAULT_MEMORY })
  try {
    await spool.fill(contentChunks(content, calls.context(options)))
  } catch (error) {
    await spool.dispose()
    throw calls.failure(signal?.aborted ? notBegun(signal, {}) : error, 'save', name)
  }
  const { contentType, name: ownName } = content
  return { ...spool.asContent(), contentType, name: ownName, [Symbol.asyncDispose]: () => spool.dispose() }
}

/** Returns a spool with the storage's options. */
export function newSpool(options: Pick<CommonOptions, 'maxMemorySize' | 'tempDir'>): Spool {
  return new Spool({ maxMemorySize: options.maxMemorySize, tempDir: options.tempDir ?? undefined })
}
