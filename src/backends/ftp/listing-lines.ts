import type { Stat } from '../../core/driver.ts'
import type { FolderItem } from '../../remote/folder-items.ts'

const DAY_MS = 86_400_000
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** A line of LIST: an entry, or a line without an entry (`total 8`, `.`, a device). Undefined for a line that cannot be parsed. */
export type ListedLine = FolderItem | 'none' | undefined

const DATE = String.raw`[\p{L}.]{2,9}\s{1,9}\d{1,2}|\d{1,2}\.?\s{1,9}[\p{L}.]{2,9}`
const TIME = String.raw`\d{1,2}:\d{2}(?::\d{2})?|\d{4}`
const ISO = String.raw`\d{4}-\d{2}-\d{2}\s{1,9}\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:\s[+-]\d{4})?`
/**
 * Mode, links, owner, group: fields before the size and the date are ignored, so one of them may be missing or unusual. All fields except
 * the name have a short maximum length, so that the time is linear for unusual lines.
 */
const UNIX = new RegExp(
  String.raw`^([a-zA-Z?-])\S{0,40}\s{1,40}(?:.{0,300}?[\s+])??(\d[\d.,']{0,30})\s{1,40}(?:(${DATE})\s{1,9}(${TIME})|(${ISO}))\s(.+)$`,
  'su',
)
/** (IIS, and other servers with the format of `dir`) */
const DOS =
  /^(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})\s+(\d{1,2}:\d{2}(?::\d{2})?)(?:\s*([AP]M))?\s+(?:(<[A-Z]+>)(?: {10}|\s+)|(\d[\d.,']*) )(.+)$/is

/**
 * Parses one line of LIST, in Unix or DOS format, independent of other lines. Its time has no zone, and may lack the year or the time of
 * day. It is read as UTC, in the nearest year that is at most a day ahead of `now`, and `isRoughTime` is set.
 */
export function parseListLine(line: string, now: number = Date.now()): ListedLine {
  if (/^(?:total|insgesamt|totale?)\s+\d+$/i.test(line.trim()) || line.trim() === '') return 'none'
  return unixItem(line, now) ?? dosItem(line)
}

function unixItem(line: string, now: number): ListedLine {
  const found = UNIX.exec(line)
  if (found === null) return undefined
  const [, kind, size, date, time, iso, name] = found
  if (name === '.' || name === '..') return 'none'
  if (kind === 'l') {
    const arrow = name!.indexOf(' -> ')
    return arrow > 0 ? { name: name!.slice(0, arrow), isDirectory: false } : { name: name!, isDirectory: false }
  }
  if (kind === 'd') return { name: name!, isDirectory: true }
  if (/[bcpsD]/.test(kind!)) return 'none'
  const modifiedAt = iso === undefined ? unixTime(date!, time!, now) : isoTime(iso)
  return file(name!, size!, modifiedAt)
}

function dosItem(line: string): ListedLine {
  const found = DOS.exec(line)
  if (found === null) return undefined
  const [, date, time, half, tag, size, name] = found
  if (name === '.' || name === '..') return 'none'
  if (tag !== undefined) {
    // A Windows link; its target is in brackets.
    if (tag.toUpperCase() === '<DIR>') return { name: name!, isDirectory: true }
    return { name: name!.replace(/ \[[^[\]]*\]$/, ''), isDirectory: false }
  }
  return file(name!, size!, dosTime(date!, time!, half))
}

function file(name: string, digits: string, modifiedAt: Date | undefined): FolderItem {
  const size = Number(digits.replaceAll(/[.,']/g, ''))
  const time = modifiedAt === undefined || Number.isNaN(+modifiedAt) ? {} : { modifiedAt, isRoughTime: true }
  const stat: Stat | undefined = Number.isSafeInteger(size) ? { size, ...time } : undefined
  return { name, isDirectory: false, ...(stat && { stat }) }
}

/** `Nov 28 19:01`, `28 Nov 2025`. */
function unixTime(date: string, clock: string, now: number): Date | undefined {
  const word = /\p{L}+/u.exec(date)![0].slice(0, 3).toLowerCase()
  const month = MONTHS.indexOf(word)
  const day = Number(/\d+/.exec(date)![0])
  if (month < 0 || day < 1 || day > 31) return undefined
  if (!clock.includes(':')) return new Date(Date.UTC(Number(clock), month, day))
  const [hour = 0, minute = 0, second = 0] = clock.split(':').map(Number)
  const at = (year: number): number => Date.UTC(year, month, day, hour, minute, second)
  const year = new Date(now).getUTCFullYear()
  const found = [year + 1, year, year - 1].find(each => at(each) <= now + DAY_MS)
  return new Date(at(found ?? year - 1))
}

function isoTime(text: string): Date {
  const [, day, clock, zone] = /^(\S+)\s+(\S+?)(?:\s([+-]\d{4}))?$/.exec(text) ?? []
  return new Date(`${day}T${clock}${zone ?? 'Z'}`)
}

/** `11-28-26 07:01PM`, `11/28/2026 19:01`, `2026-11-28 19:01`. Only the American order is supported, since other orders are ambiguous. */
function dosTime(date: string, clock: string, half: string | undefined): Date | undefined {
  const numbers = date.split(/[-/.]/).map(Number) as [number, number, number]
  const isIso = numbers[0] > 31
  const [year, month, day] = isIso ? numbers : [numbers[2], numbers[0], numbers[1]]
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined
  const full = year >= 100 ? year : year < 70 ? 2000 + year : 1900 + year
  const [hour = 0, minute = 0, second = 0] = clock.split(':').map(Number)
  const inHalf = half === undefined ? hour : (hour % 12) + (half.toUpperCase() === 'PM' ? 12 : 0)
  return new Date(Date.UTC(full, month - 1, day, inHalf, minute, second))
}
