import { pipeline, type Readable } from 'node:stream'
import { createGunzip, createGzip, gzipSync } from 'node:zlib'
import { bytesContent, type Content } from '../../core/content.ts'

const LEVEL = 9
const AT_ONCE = 65_536

/** The content compressed: the same bytes give the same result, since the header has no time and no name. (RFC 1952) */
export function gzipped(content: Content): Content {
  const { bytes, replayable, contentType, name } = content
  if (bytes !== undefined && bytes.byteLength <= AT_ONCE) {
    return bytesContent(gzipSync(bytes, { level: LEVEL }), { contentType, name })
  }
  return {
    size: undefined,
    replayable,
    contentType,
    name,
    open: () => pipeline(content.open(), createGzip({ level: LEVEL }), ignore),
  }
}

/** The body uncompressed; a damaged one fails. */
export function gunzipped(body: Readable): Readable {
  return pipeline(body, createGunzip(), ignore)
}

// The failure reaches whoever reads.
function ignore(): void {}
