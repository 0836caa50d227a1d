const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const pad = (value: number, width = 2): string => String(value).padStart(width, '0')

const DAY_MS = 86_400_000

/** Returns the days since the year began, 0 on 1 January: of the local day, independent of summer time. */
function dayOfYear(date: Date): number {
  return (dayNumber(date) - Date.UTC(date.getFullYear(), 0, 1)) / DAY_MS
}

function dayNumber(date: Date): number {
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate())
}

/** Returns the number of weeks that have begun on `firstDay` (0 is Sunday) since the year began. */
function weekOfYear(date: Date, firstDay: number): number {
  return Math.floor((dayOfYear(date) + 7 - ((date.getDay() - firstDay + 7) % 7)) / 7)
}

/** Returns year and number of the week of a day: those of the week's Thursday. (ISO 8601) */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(dayNumber(date) + (4 - (date.getDay() || 7)) * DAY_MS)
  const year = thursday.getUTCFullYear()
  return { year, week: Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1 }
}

function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}${pad(size % 60)}`
}

const CODES: Readonly<Record<string, (date: Date) => string>> = {
  Y: date => pad(date.getFullYear(), 4),
  y: date => pad(date.getFullYear() % 100),
  m: date => pad(date.getMonth() + 1),
  d: date => pad(date.getDate()),
  H: date => pad(date.getHours()),
  I: date => pad(date.getHours() % 12 || 12),
  M: date => pad(date.getMinutes()),
  S: date => pad(date.getSeconds()),
  f: date => pad(date.getMilliseconds() * 1000, 6),
  p: date => (date.getHours() < 12 ? 'AM' : 'PM'),
  j: date => pad(dayOfYear(date) + 1, 3),
  a: date => DAYS[date.getDay()]!.slice(0, 3),
  A: date => DAYS[date.getDay()]!,
  b: date => MONTHS[date.getMonth()]!.slice(0, 3),
  B: date => MONTHS[date.getMonth()]!,
  w: date => String(date.getDay()),
  u: date => String(date.getDay() || 7),
  C: date => pad(Math.floor(date.getFullYear() / 100)),
  e: date => String(date.getDate()).padStart(2),
  U: date => pad(weekOfYear(date, 0)),
  W: date => pad(weekOfYear(date, 1)),
  V: date => pad(isoWeek(date).week),
  G: date => pad(isoWeek(date).year, 4),
  g: date => pad(isoWeek(date).year % 100),
  z: offset,
  h: date => strftime('%b', date),
  D: date => strftime('%m/%d/%y', date),
  F: date => strftime('%Y-%m-%d', date),
  R: date => strftime('%H:%M', date),
  T: date => strftime('%H:%M:%S', date),
  r: date => strftime('%I:%M:%S %p', date),
  c: date => strftime('%a %b %e %H:%M:%S %Y', date),
  x: date => strftime('%m/%d/%y', date),
  X: date => strftime('%H:%M:%S', date),
  n: () => '\n',
  t: () => '\t',
  '%': () => '%',
}

/**
 * Formats local time by C's codes in the C locale, as in `uploadTo: 'docs/%Y/%m/%d'`; `%f` is microseconds, as in Python. Any other code is
 * kept unchanged. (C11 7.27.3.5)
 */
export function strftime(format: string, date: Date): string {
  return format.replace(/%(.)/gs, (whole, code: string) => CODES[code]?.(date) ?? whole)
}
