import type { CallOptions } from '../core/call.ts'
import { type Content, contentChunks } from '../core/content.ts'
import { notBegun } from '../core/errors.ts'
import { Spool } from '../files/spool.ts'
import type { AnyBase } from './base.ts'
import type { CommonOptions } from './common-settings.ts'

/** Bytes in memory where opened files are to stay there whatever their size: that is no wish for streams that are saved. */
const DEFAULT_MEMORY = 8_388_608

/** Makes content that can be read once into content that can be sent again; released by its disposal. Nothing was sent when it fails. */
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

/** A spool as the storage's options want it. */
export function newSpool(options: Pick<CommonOptions, 'maxMemorySize' | 'tempDir'>): Spool {
  return new Spool({ maxMemorySize: options.maxMemorySize, tempDir: options.tempDir ?? undefined })
}
