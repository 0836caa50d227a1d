import type { Coding } from '../core/codings.ts'

/** All codings, the one with the best compression first. */
export const CODINGS: readonly Coding[] = ['br', 'zstd', 'gzip']

/** A coding and its weight. `x-gzip` is gzip. (RFC 9110, sections 8.4.1.3, 12.4.2 and 12.5.3) */
const PART = /^[ \t]*(?:x-(?=gzip))?([a-z]+|\*)(?:[ \t]*;[ \t]*q=([01](?:\.\d{0,3})?))?[ \t]*$/i
/** Weight of the plain file where the header does not name it: acceptable, but below every named coding. */
const UNNAMED = 0.0001

/** The codings that a client accepts: weights from 0, which refuses, to 1, by coding. */
export interface AcceptedCodings {
  readonly identity: number
  of(coding: Coding): number
}

/**
 * Parses `Accept-Encoding`. Malformed parts are ignored; for a coding that is listed twice, the lower weight counts. Undefined for a
 * request without the header, whose client accepts any coding. Linear time. (RFC 9110, section 12.5.3)
 */
export function acceptedCodings(header: string | null): AcceptedCodings | undefined {
  if (header === null) return undefined
  const weights = new Map<string, number>()
  for (let start = 0; start <= header.length; ) {
    const comma = header.indexOf(',', start)
    const end = comma < 0 ? header.length : comma
    const [, coding, q = '1'] = PART.exec(header.slice(start, end)) ?? []
    start = end + 1
    if (coding === undefined || Number(q) > 1) continue
    const name = coding.toLowerCase()
    weights.set(name, Math.min(weights.get(name) ?? 1, Number(q)))
  }
  const other = weights.get('*')
  return {
    identity: weights.get('identity') ?? other ?? UNNAMED,
    of: coding => weights.get(coding) ?? other ?? 0,
  }
}

/**
 * Returns the offered codings that a client wants at least as much as the plain file, the most wanted first; equal weights in the order of
 * `CODINGS`. None without the header: such clients seldom decode anything.
 */
export function wantedCodings(header: string | null, offered: readonly Coding[]): readonly Coding[] {
  const accepted = acceptedCodings(header)
  if (accepted === undefined) return []
  return CODINGS.filter(
    coding => offered.includes(coding) && accepted.of(coding) > 0 && accepted.of(coding) >= accepted.identity,
  ).sort((a, b) => accepted.of(b) - accepted.of(a))
}

/** Whether a client refuses a coding. A request without the header refuses none. */
export function refuses(header: string | null, coding: Coding): boolean {
  return acceptedCodings(header)?.of(coding) === 0
}
