import type { Readable } from 'node:stream'
import { limitedStream } from '../core/body.ts'
import type { Stat } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'
import type { AnyBase } from './base.ts'

/** A transform of a whole body, or undefined for a file that is stored as it is read. */
export type Decoder = ReturnType<AnyBase['decoder']>

/** The decoder of a file for a caller that keeps the unpacked bytes, in memory or on disk: `too_large` beyond the option `maxUnpackedSize`. */
export function limitedDecoder(storage: AnyBase, stat: Stat & { readonly name: string }): Decoder {
  const decode = storage.decoder(stat)
  return decode === undefined ? undefined : body => limitedUnpacked(storage, stat.name, decode(body))
}

/** Unpacked bytes, `too_large` beyond the option `maxUnpackedSize`. */
export function limitedUnpacked(storage: AnyBase, name: string, body: Readable): Readable {
  const { maxUnpackedSize } = storage.options
  if (maxUnpackedSize === null) return body
  return limitedStream(body, maxUnpackedSize, () => {
    const text = `'${name}' has more than ${maxUnpackedSize} bytes when it is unpacked; the option maxUnpackedSize sets this limit.`
    return new StorageError('too_large', text, { fileName: name })
  })
}
