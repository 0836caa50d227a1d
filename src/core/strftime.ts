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

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1)
  return Math.round((Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / 86_400_000) + 1
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
  j: date => pad(dayOfYear(date), 3),
  a: date => DAYS[date.getDay()]!.slice(0, 3),
  A: date => DAYS[date.getDay()]!,
  b: date => MONTHS[date.getMonth()]!.slice(0, 3),
  B: date => MONTHS[date.getMonth()]!,
  w: date => String(date.getDay()),
  u: date => String(date.getDay() || 7),
  F: date => `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`,
  '%': () => '%',
}

/** Formats local time by C's codes, as in `uploadTo: 'docs/%Y/%m/%d'`; a code that is not known stays as it is. (C11 7.27.3.5) */
export function strftime(format: string, date: Date): string {
  return format.replace(/%(.)/gs, (whole, code: string) => CODES[code]?.(date) ?? whole)
}
