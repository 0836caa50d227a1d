import { promisify } from 'node:util'
import { nodeZlib } from '../core/builtin.ts'
import type { Coding } from '../core/codings.ts'
import type { CompressOptions, StaticFilesOptions } from './options.ts'

const TYPES: readonly string[] = [
  'text/*',
  'application/javascript',
  'application/json',
  'application/ld+json',
  'application/manifest+json',
  'application/rss+xml',
  'application/atom+xml',
  'application/xhtml+xml',
  'application/xml',
  'application/wasm',
  'application/vnd.ms-fontobject',
  'font/otf',
  'font/ttf',
  'image/bmp',
  'image/svg+xml',
  'image/vnd.microsoft.icon',
  'image/x-icon',
]

/** `CompressOptions` with their defaults. */
export interface CompressPlan {
  readonly codings: readonly Coding[]
  /** Whether a file of this type and size is compressed. */
  applies(contentType: string | undefined, size: number): boolean
}

/** Returns the options of compression with their defaults; undefined where files are not compressed. */
export function compressPlan(options: StaticFilesOptions): CompressPlan | undefined {
  const compress = options.compress ?? options.storage.staticFiles?.compress ?? false
  if (compress === false) return undefined
  const {
    codings = ['br', 'gzip'],
    minSize = 256,
    contentTypes = TYPES,
  }: CompressOptions = compress === true ? {} : compress
  const types = new Set(contentTypes)
  return {
    codings,
    applies(contentType = '', size) {
      const type = contentType.split(';', 1)[0]!.trim().toLowerCase()
      return size >= minSize && (types.has(type) || types.has(`${type.split('/', 1)[0]}/*`))
    },
  }
}

/**
 * Returns bytes in a coding at its highest useful level; undefined where that makes them no smaller. Equal bytes have an equal result: gzip
 * contains neither time nor name. (RFC 1952, RFC 7932, RFC 8878)
 */
export async function compressed(bytes: Buffer, coding: Coding): Promise<Buffer | undefined> {
  const result = await encoded(bytes, coding)
  return result.byteLength < bytes.byteLength ? result : undefined
}

function encoded(bytes: Buffer, coding: Coding): Promise<Buffer> {
  const zlib = nodeZlib()
  const { constants } = zlib
  if (coding === 'gzip') return promisify<Buffer, object, Buffer>(zlib.gzip)(bytes, { level: 9 })
  if (coding === 'br') {
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
    }
    return promisify<Buffer, object, Buffer>(zlib.brotliCompress)(bytes, { params })
  }
  const params = { [constants.ZSTD_c_compressionLevel]: 19 }
  return promisify<Buffer, object, Buffer>(zlib.zstdCompress)(bytes, { params })
}
