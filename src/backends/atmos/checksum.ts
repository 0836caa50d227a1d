import type { Hash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { nodeCrypto } from '../../core/builtin.ts'
import { StorageError } from '../../core/errors.ts'
import { countOf, headerTextOf } from '../../remote/headers.ts'

/** The header with the checksum of bytes. (Atmos Programmer's Guide, "Checksum protection") */
export const CHECKSUM_HEADER = 'x-emc-wschecksum'

/** A checksum in the service's format: `SHA1/227/2aae6c35c94fcfb415dbe95f408b9ce91ee846ed`. */
export interface WsChecksum {
  readonly algorithm: 'SHA1' | 'MD5'
  /** Number of bytes that it covers; undefined if the service does not report it. */
  readonly offset: number | undefined
  /** In lower-case hex. */
  readonly value: string
}

/** The checksum in an answer; undefined if there is none, and for SHA0, which this library does not support. */
export function checksumIn(headers: IncomingHttpHeaders): WsChecksum | undefined {
  const parts = headerTextOf(headers[CHECKSUM_HEADER])?.split('/') ?? []
  const algorithm = parts[0]?.trim().toUpperCase()
  const value = parts.at(-1)?.trim().toLowerCase() ?? ''
  if (algorithm !== 'SHA1' && algorithm !== 'MD5') return undefined
  if (parts.length > 3 || !/^[0-9a-f]+$/.test(value) || value.length !== (algorithm === 'SHA1' ? 40 : 32))
    return undefined
  const offset = parts.length === 3 ? countOf(parts[1]) : undefined
  return parts.length === 3 && offset === undefined ? undefined : { algorithm, offset, value }
}

/** SHA-1 and MD5 of bytes that arrive in pieces; both can be read between pieces. */
export class RunningSums {
  readonly #sha1: Hash = nodeCrypto().createHash('sha1')
  readonly #md5: Hash = nodeCrypto().createHash('md5')
  /** Number of bytes so far. */
  size = 0

  update(bytes: Uint8Array): void {
    this.#sha1.update(bytes)
    this.#md5.update(bytes)
    this.size += bytes.byteLength
  }

  /** The MD5 in hex, in the format of libcloud's tag. */
  get md5(): string {
    return this.#md5.copy().digest('hex')
  }

  /** The header for all bytes so far. */
  get header(): string {
    return `SHA1/${this.size}/${this.#sha1.copy().digest('hex')}`
  }
}

/** Compares the checksum of an answer with the one that was sent. A difference for the same bytes is a `checksum_mismatch`. */
export function verifyChecksum(sent: string, headers: IncomingHttpHeaders): void {
  const said = checksumIn(headers)
  if (said === undefined || said.algorithm !== 'SHA1' || said.offset === undefined) return
  const [, offset, value] = sent.split('/')
  if (said.offset !== Number(offset) || said.value === value) return
  const text = 'The checksum of the stored bytes differs from that of the sent bytes.'
  throw new StorageError('checksum_mismatch', text, { outcome: 'not_applied' })
}
