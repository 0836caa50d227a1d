/** Checksums: one that the client gives and keeps up to date, and one that the server is asked for. */
import { createHash } from 'node:crypto'
import type { StrictAtmosOptions } from './context.ts'
import { AtmosError } from './errors.ts'
import type { WsChecksum } from './tree.ts'

type Headers = Readonly<Record<string, string>>

function algorithmOf(name: string): 'SHA1' | 'MD5' {
  const upper = name.toUpperCase()
  // SHA0, which the service has as well, Node has not.
  if (upper === 'SHA1' || upper === 'MD5') return upper
  throw new AtmosError(1052)
}

function hexOf(algorithm: 'SHA1' | 'MD5', body: Buffer): string {
  return createHash(algorithm.toLowerCase()).update(body).digest('hex')
}

/** What a change of an object is to its checksum. */
export interface Change {
  /** The whole content after the change. */
  readonly body: Buffer
  readonly kind: 'create' | 'append' | 'other'
  /** What the object has so far. */
  readonly old: WsChecksum | undefined
}

/** The object's checksum after a change; 1002 and 1049 to 1053 where the one given is not right. */
export function nextChecksum(
  headers: Headers,
  { body, kind, old }: Change,
  { refusesChecksums }: StrictAtmosOptions,
): WsChecksum | undefined {
  const text = headers['x-emc-wschecksum']
  // What is changed without a checksum has none that is right any more.
  if (text === undefined) return undefined
  if (refusesChecksums) throw new AtmosError(1052)
  if (kind === 'other') throw new AtmosError(1051)
  const [, name = '', offset = '', hex = ''] = /^([A-Za-z0-9]+)\/(\d{1,15})\/([0-9a-fA-F]+)$/.exec(text) ?? []
  if (hex === '') throw new AtmosError(1002, 'x-emc-wschecksum is not of the form algorithm/offset/checksum.')
  const algorithm = algorithmOf(name)
  if (kind === 'append' && old === undefined) throw new AtmosError(1053)
  if (old !== undefined && old.algorithm !== algorithm) throw new AtmosError(1050)
  if (Number(offset) !== body.length || hex.toLowerCase() !== hexOf(algorithm, body)) throw new AtmosError(1049)
  return { algorithm, hex: hex.toLowerCase() }
}

/** The header that tells an object's checksum. */
export function checksumHeader(
  { body, checksum }: { readonly body: Buffer; readonly checksum: WsChecksum | undefined },
  { shortChecksums }: StrictAtmosOptions,
): Record<string, string> {
  if (checksum === undefined) return {}
  const { algorithm, hex } = checksum
  return { 'x-emc-wschecksum': shortChecksums ? `${algorithm}/${hex}` : `${algorithm}/${body.length}/${hex}` }
}

/** The answer to `x-emc-generate-checksum`: of the bytes that came. */
export function generatedHeader(headers: Headers, body: Buffer): Record<string, string> {
  const name = headers['x-emc-generate-checksum']
  if (name === undefined) return {}
  const algorithm = algorithmOf(name)
  return { 'x-emc-content-checksum': `${algorithm}/${body.length}/${hexOf(algorithm, body)}` }
}
