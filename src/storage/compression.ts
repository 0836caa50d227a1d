import { pipeline, type Readable } from 'node:stream'
import { derivedStream, limitedStream } from '../core/body.ts'
import { nodeZlib } from '../core/builtin.ts'
import { bytesContent, type Content } from '../core/content.ts'
import type { ReadStat } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import type { AnyBase } from './base.ts'

const LEVEL = 9
const AT_ONCE = 65_536

/** Returns the content compressed. Equal bytes have an equal result, since the header has no time and no name. (RFC 1952) */
export function gzipped(content: Content): Content {
  const { bytes, replayable, contentType, name } = content
  if (bytes !== undefined && bytes.byteLength <= AT_ONCE) {
    return bytesContent(nodeZlib().gzipSync(bytes, { level: LEVEL }), { contentType, name })
  }
  return {
    size: undefined,
    replayable,
    contentType,
    name,
    open: () => pipeline(content.open(), nodeZlib().createGzip({ level: LEVEL }), ignore),
  }
}

/** Returns the body uncompressed. A damaged body fails with a `StorageError`. */
export function gunzipped(body: Readable): Readable {
  return derivedStream(body, decoded(body))
}

/** A transform of a whole body, or undefined for a file whose bytes are returned as stored. */
export type Decoder = ReturnType<AnyBase['decoder']>

/**
 * Returns the decoder of a file for a caller that keeps the unpacked bytes in memory or on disk. More bytes than the option
 * `maxUnpackedSize` are `too_large`.
 */
export function limitedDecoder(storage: AnyBase, stat: ReadStat & { readonly name: string }): Decoder {
  const decode = storage.decoder(stat)
  return decode === undefined ? undefined : body => limitedUnpacked(storage, stat.name, decode(body))
}

/** Passes on unpacked bytes; more than the option `maxUnpackedSize` are `too_large`. */
export function limitedUnpacked(storage: AnyBase, name: string, body: Readable): Readable {
  const { maxUnpackedSize } = storage.options
  if (maxUnpackedSize === null) return body
  return limitedStream(body, maxUnpackedSize, () => {
    const text = `'${name}' has more than ${maxUnpackedSize} bytes when it is unpacked; the option maxUnpackedSize sets this limit.`
    return new StorageError('too_large', text, { fileName: name })
  })
}

async function* decoded(body: Readable): AsyncGenerator<Buffer> {
  try {
    yield* pipeline(body, nodeZlib().createGunzip(), ignore) as AsyncIterable<Buffer>
  } catch (error) {
    if (!isZlibError(error)) throw error
    const text = `The stored bytes are not complete gzip data: ${(error as Error).message}.`
    throw new StorageError('unknown', text, { cause: error })
  }
}

function isZlibError(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('Z_')
}

// The reader of the stream receives the failure.
function ignore(): void {}
