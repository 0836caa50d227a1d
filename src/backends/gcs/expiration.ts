/** How long a URL lives: seconds, or the moment at which it ends. */
export type Expiration = number | Date

/** Seconds of each part of a timedelta, by Python's names. */
const PARTS: Readonly<Record<string, number>> = {
  weeks: 604_800,
  days: 86_400,
  hours: 3_600,
  minutes: 60,
  seconds: 1,
  milliseconds: 1e-3,
  microseconds: 1e-6,
}
const UNITS: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 }
/** Numbers from here on are seconds since 1970: no URL lives for 31 years. */
const EPOCH_FROM = 1_000_000_000

const EXPECTED =
  "expected seconds, a duration ('1d', '12h 30m', 'P1D', '1 day, 0:00:00', { days: 1 }), a date, or seconds since 1970"

/** Reads what `expiration` may be in code, in JSON and in the environment. */
export function parseExpiration(raw: unknown): Expiration {
  const found = raw instanceof Date ? raw : typeof raw === 'object' && raw !== null ? ofParts(raw) : ofText(raw)
  if (found instanceof Date) {
    if (!Number.isNaN(found.getTime())) return found
  } else if (found !== undefined && found >= EPOCH_FROM) return new Date(found * 1000)
  else if (found !== undefined && found > 0) return Math.ceil(found)
  throw new Error(EXPECTED)
}

/** Python's `timedelta(days=1)` as an object: `{ days: 1 }`. */
function ofParts(given: object): number | undefined {
  let secs = 0
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(PARTS, name) || typeof value !== 'number' || !Number.isFinite(value)) return undefined
    secs += PARTS[name]! * value
  }
  // Binary fractions of seconds make no second more.
  return Math.round(secs * 1e6) / 1e6
}

function ofText(raw: unknown): Expiration | undefined {
  if (typeof raw === 'number') return Number.isFinite(raw) ? raw : undefined
  if (typeof raw !== 'string' || raw.length > 60) return undefined
  const text = raw.trim().toLowerCase()
  if (/^\d{1,12}$/.test(text)) return Number(text)
  if (/^\d{4}-\d\d-\d\d/.test(text)) return new Date(raw.trim())
  return ofClock(text) ?? ofUnits(text.replace(/^p/, '').replace('t', ''))
}

/** Python's text of a timedelta: `1 day, 2:03:04`. */
function ofClock(text: string): number | undefined {
  const [, days = '0', hours, minutes, seconds] = /^(?:(\d{1,6}) days?, ?)?(\d{1,2}):(\d\d):(\d\d)$/.exec(text) ?? []
  if (hours === undefined) return undefined
  return Number(days) * 86_400 + Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)
}

/** `1d 12h`, `90 minutes`, and what is left of ISO 8601's `P1DT12H`. */
function ofUnits(text: string): number | undefined {
  let secs = 0
  let at = 0
  const part = /\s?(\d{1,9})\s?(w|d|h|m|s)[a-z]{0,6}\s?/y
  while (at < text.length) {
    part.lastIndex = at
    const found = part.exec(text)
    if (found === null) return undefined
    secs += Number(found[1]) * UNITS[found[2]!]!
    at = part.lastIndex
  }
  return at === 0 ? undefined : secs
}
