import { pipeline, Transform, type TransformCallback } from 'node:stream'
import { nodeCrypto } from '../core/builtin.ts'
import { bytesContent, type Content } from '../core/content.ts'
import { StorageError } from '../core/errors.ts'
import type { StaticFile } from './types.ts'

/** MD5 and size of bytes. */
export interface Digest {
  /** The MD5 in hexadecimal. */
  readonly md5: string
  readonly size: number
}

/** Maximum size in bytes of a file that is held in memory. */
export const IN_MEMORY: number = 8 * 1024 * 1024

/** Returns MD5 and size of bytes in memory. */
export function digestOf(bytes: Uint8Array): Digest {
  return { md5: nodeCrypto().createHash('md5').update(bytes).digest('hex'), size: bytes.byteLength }
}

/** Returns MD5 and size of a source; also its bytes, if they are few enough to be kept. */
export async function readDigest(
  file: StaticFile,
  signal: AbortSignal,
): Promise<{ readonly digest: Digest; readonly bytes: Buffer | undefined }> {
  const bytes = await file.readUpTo(IN_MEMORY, { signal })
  return { digest: bytes === undefined ? await streamDigest(file.open({ signal })) : digestOf(bytes), bytes }
}

/** Returns MD5 and size of a stream's bytes. */
export async function streamDigest(stream: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = nodeCrypto().createHash('md5')
  let size = 0
  for await (const chunk of stream) {
    hash.update(chunk)
    size += chunk.byteLength
  }
  return { md5: hash.digest('hex'), size }
}

/** Returns the bytes of a source, which must match a digest: else `source_failed`, and nothing is stored. */
export async function sourceContent(file: StaticFile, digest: Digest, signal: AbortSignal): Promise<Content> {
  const bytes = await file.readUpTo(IN_MEMORY, { signal })
  if (bytes !== undefined) {
    if (digestOf(bytes).md5 !== digest.md5) throw changed(file)
    return bytesContent(bytes)
  }
  return {
    size: digest.size,
    replayable: true,
    open: () => pipeline(file.open({ signal }), new DigestCheck(file, digest.md5), () => {}),
  }
}

/**
 * Passes bytes on, and fails at their end unless they have this MD5. The last bytes are held back until then, so that no target treats them
 * as complete.
 */
class DigestCheck extends Transform {
  readonly #hash = nodeCrypto().createHash('md5')
  readonly #file: StaticFile
  readonly #md5: string
  #held: Buffer | undefined

  constructor(file: StaticFile, md5: string) {
    super({ highWaterMark: 262_144 })
    this.#file = file
    this.#md5 = md5
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.#hash.update(chunk)
    const held = this.#held
    this.#held = chunk
    done(null, held)
  }

  override _flush(done: TransformCallback): void {
    if (this.#hash.digest('hex') === this.#md5) done(null, this.#held)
    else done(changed(this.#file))
  }
}

/** Returns the error for a source that changed while it was collected. */
export function changed({ name, origin }: StaticFile): StorageError {
  return new StorageError('source_failed', `'${origin}' was changed while it was collected; run it again.`, {
    fileName: name,
  })
}
