import type { Transform } from 'node:stream'
import { nodeZlib } from '../core/builtin.ts'
import { CODING_EXTENSIONS, type Coding } from '../core/codings.ts'
import { ImproperlyConfigured } from '../core/errors.ts'
import { isWeakEtag } from '../core/etags.ts'
import { guessType, packedType } from '../core/mime.ts'
import type { Entry } from '../storage/types.ts'
import { CODINGS, refuses, wantedCodings } from './accept-encoding.ts'
import type { ServedStorage } from './served-storage.ts'

/** The bytes and headers that are sent for a name. */
export interface Representation {
  /** The file that is read, with its own etag. */
  readonly source: Entry
  /** The base of headers and conditions: the type of the plain name, with the coding, etag, size and time of the bytes that are sent. */
  readonly stat: Entry
  /** Whether the storage or `unpack` unpacks the bytes while they are sent, so that their number is unknown. */
  readonly isUnpacked: boolean
  /** Decodes the stored coding, for a client that refuses it. */
  readonly unpack?: (() => Transform) | undefined
  /** Whether a client that accepts other codings may receive other bytes. */
  readonly varies: boolean
}

const UNPACKERS: Readonly<Record<Coding, () => Transform>> = {
  br: () => nodeZlib().createBrotliDecompress(),
  zstd: () => nodeZlib().createZstdDecompress(),
  gzip: () => nodeZlib().createGunzip(),
}

/** Types whose formats are already compressed. */
const COMPRESSED =
  /^(?:image\/(?!svg|bmp|x-icon|vnd\.microsoft\.icon)|audio\/|video\/|font\/woff|application\/(?:zip|java-archive|x-7z|vnd\.rar)\b)/

/** Returns the codings in the option `precompressed`; any other value is `improperly_configured`. */
export function precompressedCodings(option: boolean | readonly Coding[] | undefined): readonly Coding[] {
  if (option === undefined || option === false) return []
  if (option === true) return CODINGS
  const isList = Array.isArray(option)
  if (isList && option.every(coding => CODINGS.includes(coding))) return option
  const got = isList ? `[${option.join(', ')}]` : String(option)
  throw new ImproperlyConfigured(
    `precompressed: expected true, false or a list of 'br', 'zstd' and 'gzip', got ${got}.`,
  )
}

/** Whether a file of this name may have compressed siblings: it is not packed itself, and its format is not compressed. */
export function mayHaveSiblings(name: string): boolean {
  return packedType(name) === undefined && !COMPRESSED.test(guessType(name).contentType ?? '')
}

/** The request for a representation. */
export interface Choice {
  readonly name: string
  /** The codings of the siblings to look for. */
  readonly codings: readonly Coding[]
  /** The request's `Accept-Encoding`. */
  readonly accepted: string | null
  readonly signal: AbortSignal
}

type Looks = Pick<ServedStorage, 'stat' | 'decoder'>

/**
 * Chooses between a file and its compressed siblings. The file and the most wanted sibling are looked up in parallel, the other siblings
 * only where that one cannot be used. A sibling that is older than the file, empty, or stored with another coding is not sent; nor is one
 * that cannot be read. Without the file itself: `not_found`.
 */
export async function chooseRepresentation(storage: Looks, choice: Choice): Promise<Representation> {
  const { name, codings, accepted, signal } = choice
  if (codings.length === 0 || !mayHaveSiblings(name)) {
    return ownRepresentation(storage, await storage.stat(name, { signal }), accepted)
  }
  const look = async (coding: Coding): Promise<Entry | undefined> => {
    try {
      return await storage.stat(name + CODING_EXTENSIONS[coding], { signal })
    } catch {
      // A sibling only saves bytes: whatever is wrong with it, the plain file is a correct answer.
      return undefined
    }
  }
  const [first, ...others] = wantedCodings(accepted, codings)
  const [plain, sibling] = await Promise.all([storage.stat(name, { signal }), first && look(first)])
  const own = { ...ownRepresentation(storage, plain, accepted), varies: true }
  // A file of size 0 may be a pipe, or a file of /proc.
  if (first === undefined || plain.isDirectory || plain.size === 0 || plain.contentEncoding) return own
  const preferred = siblingRepresentation(storage, plain, sibling, first)
  if (preferred !== undefined) return preferred
  const siblings = await Promise.all(others.map(look))
  for (const [at, coding] of others.entries()) {
    const other = siblingRepresentation(storage, plain, siblings[at], coding)
    if (other !== undefined) return other
  }
  return own
}

/**
 * Returns the file alone: unchanged, or unpacked for a client that refuses its coding. Files that are packed by their own name stay packed.
 */
function ownRepresentation(storage: Looks, stat: Entry, accepted: string | null): Representation {
  if (storage.decoder(stat) !== undefined) {
    return { source: stat, stat: { ...stat, contentEncoding: undefined }, isUnpacked: true, varies: false }
  }
  const coding = storedCoding(stat)
  const isNegotiated = coding !== undefined && stat.size > 0 && packedType(stat.name) === undefined
  if (!isNegotiated || !refuses(accepted, coding)) {
    return { source: stat, stat, isUnpacked: false, varies: isNegotiated }
  }
  const shown = { ...stat, contentEncoding: undefined, etag: otherEtag(stat.etag, 'plain') }
  return { source: stat, stat: shown, isUnpacked: true, unpack: UNPACKERS[coding], varies: true }
}

function siblingRepresentation(
  storage: Looks,
  plain: Entry,
  sibling: Entry | undefined,
  coding: Coding,
): Representation | undefined {
  if (sibling === undefined || sibling.isDirectory || !(sibling.size > 0)) return undefined
  if (sibling.contentEncoding && storedCoding(sibling) !== coding) return undefined
  if (storage.decoder(sibling) !== undefined) return undefined
  if (plain.modifiedAt !== undefined && sibling.modifiedAt !== undefined && sibling.modifiedAt < plain.modifiedAt) {
    return undefined
  }
  const { size, modifiedAt } = sibling
  const etag = sibling.etag === plain.etag ? otherEtag(sibling.etag, coding) : sibling.etag
  const stat = { ...plain, size, modifiedAt, etag, contentEncoding: coding }
  return { source: sibling, stat, isUnpacked: false, varies: true }
}

/** Returns the coding that a file is stored in; undefined for a plain file, and for several or unknown codings. */
function storedCoding({ contentEncoding }: Entry): Coding | undefined {
  const stored = contentEncoding?.trim().toLowerCase()
  return stored === 'x-gzip' ? 'gzip' : CODINGS.find(coding => coding === stored)
}

/** Returns the etag for other bytes of the same version. (RFC 9110, section 8.8.3.3) */
function otherEtag(etag: string | undefined, suffix: string): string | undefined {
  if (etag === undefined) return undefined
  return isWeakEtag(etag) ? `${etag.slice(0, -1)}-${suffix}"` : `${etag}-${suffix}`
}
