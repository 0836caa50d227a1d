import { pipeline, type Readable } from 'node:stream'
import { derivedStream } from '../core/body.ts'
import { nodeZlib } from '../core/builtin.ts'
import { bytesContent, type Content } from '../core/content.ts'
import { StorageError } from '../core/errors.ts'

const LEVEL = 9
const AT_ONCE = 65_536

/** The content compressed: the same bytes give the same result, since the header has no time and no name. (RFC 1952) */
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

/** The body uncompressed; a damaged one fails with a `StorageError`. */
export function gunzipped(body: Readable): Readable {
  return derivedStream(body, decoded(body))
}

async function* decoded(body: Readable): AsyncGenerator<Buffer> {
  try {
    yield* pipeline(body, nodeZlib().createGunzip(), ignore) as AsyncIterable<Buffer>
  } catch (error) {
    if (!isZlibError(error)) throw error
    const text = `The stored bytes are no whole gzip data: ${(error as Error).message}.`
    throw new StorageError('unknown', text, { cause: error })
  }
}

function isZlibError(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('Z_')
}

// The failure reaches whoever reads.
function ignore(): void {}
