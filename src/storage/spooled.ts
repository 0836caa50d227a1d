import type { Content } from '../core/content.ts'
import type { CallContext } from '../core/driver.ts'
import { Spool } from '../files/spool.ts'
import type { CommonOptions } from './common-settings.ts'

/** Makes content that can be read once into content that can be sent again; released by its disposal. */
export async function spooled(
  content: Content,
  options: CommonOptions,
  ctx: CallContext,
): Promise<Content & AsyncDisposable> {
  const spool = newSpool(options)
  try {
    await spool.fill(content.open(), ctx)
  } catch (error) {
    await spool.dispose()
    throw error
  }
  const { contentType, name } = content
  return { ...spool.asContent(), contentType, name, [Symbol.asyncDispose]: () => spool.dispose() }
}

/** A spool as the storage's options want it. */
export function newSpool(options: CommonOptions): Spool {
  return new Spool({ maxMemorySize: options.maxMemorySize, tempDir: options.tempDir ?? undefined })
}
