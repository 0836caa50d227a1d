/** The lifetime of a URL: seconds, or the time at which it expires. */
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
/** Units in texts, also accepted in the plural. */
const UNITS: Readonly<Record<string, number>> = {
  ...{ w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 },
  ...{ week: 604_800, day: 86_400, hour: 3_600, minute: 60, second: 1, hr: 3_600, min: 60, sec: 1 },
}
/** Numbers from here on are seconds since 1970: no URL is valid for 31 years. */
const EPOCH_FROM = 1_000_000_000

const EXPECTED =
  "expected seconds, a duration ('1d', '12h 30m', 'P1D', '1 day, 0:00:00', { days: 1 }), a date, or seconds since 1970"

/** Parses `expiration` from code, JSON and the environment. */
export function parseExpiration(raw: unknown): Expiration {
  const isObject = typeof raw === 'object' && raw !== null
  // Duration and instant objects of libraries return ISO 8601 text.
  const isOfClass = isObject && ![Object.prototype, null].includes(Object.getPrototypeOf(raw))
  const found = raw instanceof Date ? raw : isOfClass ? ofText(String(raw)) : isObject ? ofParts(raw) : ofText(raw)
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
  // Removes errors of binary fractions.
  return Math.round(secs * 1e6) / 1e6
}

function ofText(raw: unknown): Expiration | undefined {
  if (typeof raw === 'number') return Number.isFinite(raw) ? raw : undefined
  if (typeof raw !== 'string' || raw.length > 60) return undefined
  const text = raw.trim().toLowerCase()
  if (/^\d{1,12}$/.test(text)) return Number(text)
  if (/^\d{4}-\d\d-\d\d/.test(text)) return new Date(raw.trim())
  return ofClock(text) ?? ofIso(text) ?? ofUnits(text)
}

/** Python's text of a timedelta: `1 day, 2:03:04`. */
function ofClock(text: string): number | undefined {
  const [, days = '0', hours, minutes, seconds] = /^(?:(\d{1,6}) days?, ?)?(\d{1,2}):(\d\d):(\d\d)$/.exec(text) ?? []
  if (hours === undefined) return undefined
  return Number(days) * 86_400 + Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)
}

/** A duration of ISO 8601 without years and months, whose lengths vary: `P1DT12H`. */
function ofIso(text: string): number | undefined {
  const found = /^p(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:t(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?)?$/.exec(text)
  if (found === null) return undefined
  const secs = [604_800, 86_400, 3_600, 60, 1].map((unit, at) => unit * Number(found[at + 1] ?? 0))
  return secs.reduce((sum, part) => sum + part)
}

/** `1d 12h`, `90 minutes`. */
function ofUnits(text: string): number | undefined {
  let secs = 0
  let at = 0
  const part = /\s?(\d{1,9})\s?([a-z]{1,7})(?=[\s\d]|$)\s?/y
  while (at < text.length) {
    part.lastIndex = at
    const found = part.exec(text)
    const word = found?.[2] ?? ''
    const unit = UNITS[word.length > 2 ? word.replace(/s$/, '') : word]
    if (found === null || unit === undefined) return undefined
    secs += Number(found[1]) * unit
    at = part.lastIndex
  }
  return at === 0 ? undefined : secs
}
