/** The lines of listings: of `ls -l`, of DOS, and of machines (RFC 3659, section 7.2). */
import type { Node } from './tree.ts'

/** Facts in the order in which they are given. */
export const FACTS: readonly string[] = ['type', 'size', 'modify', 'perm', 'unique', 'unix.mode']

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const HALF_YEAR_MS = 182 * 24 * 60 * 60 * 1000

/** `-rw-r--r--    1 ftp      ftp           123 Jan 02 03:04 name`; with the year instead of the time when it is half a year away. */
export function unixLine(node: Node, name: string, zoneMinutes: number, now: Date): string {
  const date = inZone(node.modified, zoneMinutes)
  const isNear = Math.abs(now.getTime() - node.modified.getTime()) < HALF_YEAR_MS
  const time = isNear ? `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}` : ` ${date.getUTCFullYear()}`
  const day = `${MONTHS[date.getUTCMonth()]} ${two(date.getUTCDate())}`
  const size = String(node.kind === 'file' ? node.size : 4096).padStart(12)
  const kind = node.kind === 'file' ? '-' : 'd'
  return `${kind}${modeText(node.mode)}    1 ftp      ftp  ${size} ${day} ${time} ${name}`
}

/** `01-31-26  09:55AM       <DIR>          name`. */
export function dosLine(node: Node, name: string, zoneMinutes: number): string {
  const date = inZone(node.modified, zoneMinutes)
  const hours = date.getUTCHours()
  const day = `${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}-${two(date.getUTCFullYear() % 100)}`
  const time = `${two(hours % 12 || 12)}:${two(date.getUTCMinutes())}${hours < 12 ? 'AM' : 'PM'}`
  const size = node.kind === 'file' ? String(node.size).padStart(20) : '      <DIR>'.padEnd(20)
  return `${day}  ${time} ${size} ${name}`
}

/** A line of MLSD. */
export function mlsdLine(node: Node, name: string, facts: readonly string[], type?: 'cdir' | 'pdir'): string {
  const values: Record<string, string> = {
    type: type ?? (node.kind === 'file' ? 'file' : 'dir'),
    ...(node.kind === 'file' ? { size: String(node.size) } : {}),
    modify: timeValue(node.modified),
    perm: node.kind === 'file' ? 'adfrw' : 'cdeflmp',
    unique: `1g${node.id.toString(16)}`,
    'unix.mode': `0${node.mode.toString(8)}`,
  }
  const given = facts.filter(fact => values[fact] !== undefined)
  return `${given.map(fact => `${fact === 'unix.mode' ? 'UNIX.mode' : fact}=${values[fact]};`).join('')} ${name}`
}

/** The line of MLST, whose name is the path. */
export function mlstLine(node: Node, path: string, facts: readonly string[]): string {
  return mlsdLine(node, path, facts)
}

/** YYYYMMDDHHMMSS.sss in UTC (RFC 3659, section 2.3). */
export function timeValue(date: Date): string {
  return date
    .toISOString()
    .replace(/[-:TZ]/g, '')
    .replace(/\.000$/, '')
}

function inZone(date: Date, minutes: number): Date {
  return new Date(date.getTime() + minutes * 60_000)
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

function modeText(mode: number): string {
  return [6, 3, 0]
    .map(at => [...'rwx'].map((letter, bit) => ((mode >> at) & (4 >> bit) ? letter : '-')).join(''))
    .join('')
}
