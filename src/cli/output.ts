import { once } from 'node:events'
import { styleText } from 'node:util'
import { isStorageError } from '../core/errors.ts'

/** Something that is drawn over on a terminal, and must be gone while a line is written. */
export interface StatusLine {
  clear(): void
}

/** Where a command's results and messages go: results to stdout, messages to stderr. */
export class Output {
  json = false
  quiet = false
  status: StatusLine | undefined
  /** Words an error as it is printed. */
  wording: (error: unknown) => unknown = error => error

  /** A line of the result for people; nothing in JSON mode. Waits while the reader is slow. */
  async line(text: string): Promise<void> {
    if (!this.json) await this.write(`${text}\n`)
  }

  /** The one document of the result in JSON mode; nothing otherwise. */
  async document(value: unknown): Promise<void> {
    if (this.json) await this.write(`${JSON.stringify(value, undefined, 2)}\n`)
  }

  /** One record of a list: a JSON line in JSON mode, else the text. */
  async record(value: unknown, text: string): Promise<void> {
    await this.write(`${this.json ? JSON.stringify(value) : text}\n`)
  }

  /** A message about what goes on, on stderr; nothing when quiet. */
  log(text: string): void {
    if (!this.quiet) this.#message(text)
  }

  /** A message that matters also when quiet, on stderr. */
  warn(text: string): void {
    if (this.json) this.#message(JSON.stringify({ warning: text }))
    else this.#message(`${styleText('yellow', 'warning:', { stream: process.stderr })} ${lines(text)}`)
  }

  /** An error: as text, or as a JSON line in JSON mode. */
  error(thrown: unknown): void {
    const error = this.wording(thrown)
    const message = error instanceof Error ? error.message : String(error)
    if (this.json) {
      const value = isStorageError(error)
        ? error.toJSON()
        : { name: error instanceof Error ? error.name : 'Error', message }
      this.#message(JSON.stringify({ error: value }))
    } else {
      this.#message(`${styleText('red', 'holdall:', { stream: process.stderr })} ${lines(named(message, error))}`)
    }
  }

  /** That the command was interrupted, and what it had done by then; also when quiet. */
  interrupted(text: string): void {
    const message = `interrupted: ${text}`
    this.#message(this.json ? JSON.stringify({ error: { name: 'Interrupted', message } }) : printable(message))
  }

  /** A heading above an error, with a blank line between them; nothing in JSON mode. */
  failure(text: string): void {
    if (!this.json) this.#message(`${printable(text)}\n`)
  }

  #message(text: string): void {
    this.status?.clear()
    process.stderr.write(`${text}\n`)
  }

  /** Bytes or text to stdout as they are. */
  async write(data: string | Uint8Array): Promise<void> {
    this.status?.clear()
    if (!process.stdout.write(data)) await once(process.stdout, 'drain')
  }
}

/** Text in a colour where stdout shows colours (NO_COLOR and FORCE_COLOR count). */
export function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout })
}

/** Text that cannot steer a terminal: control characters, also those that turn the writing direction, are shown as `\x1b`. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, c => {
    const code = c.charCodeAt(0)
    return code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`
  })
}

function lines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Bytes for people, in powers of 1000: `1.2 kB`; `?` where unknown. */
export function formatSize(bytes: number): string {
  if (Number.isNaN(bytes)) return '?'
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

/** A time for people, in UTC without seconds; `-` when unknown. */
export function formatTime(time: Date | undefined): string {
  return time === undefined ? '-' : time.toISOString().slice(0, 16).replace('T', ' ')
}

/** Rows as aligned columns under a heading; columns named in `right` are aligned to the right. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly string[] = [],
): string {
  const widths = heading.map((title, i) => Math.max(width(title), ...rows.map(row => width(row[i] ?? ''))))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const space = ' '.repeat(widths[i]! - width(cell))
        return right.includes(heading[i]!) ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd()
  return [paint('bold', line(heading)), ...rows.map(line)].join('\n')
}

let segmenter: Intl.Segmenter | undefined
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}]|\ufe0f/u

function graphemes(text: string): Iterable<Intl.SegmentData> {
  segmenter ??= new Intl.Segmenter() // It takes 10 ms to make.
  return segmenter.segment(text)
}

/** Columns that a text takes on a terminal. (Unicode TR 11: wide characters take two, combining ones none) */
function width(text: string): number {
  let count = 0
  for (const { segment } of graphemes(text)) count += widthOf(segment)
  return count
}

function widthOf(segment: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}]+$/u.test(segment)) return 0
  return WIDE.test(segment) ? 2 : 1
}

/** As much of a text as fits into so many columns. */
export function clipped(text: string, columns: number): string {
  let left = columns
  let fitting = ''
  for (const { segment } of graphemes(text)) {
    left -= widthOf(segment)
    if (left < 0) break
    fitting += segment
  }
  return fitting
}

/** Of many files, the message says which one failed. A configuration is wrong for all of them. */
function named(message: string, error: unknown): string {
  const fileName = isStorageError(error) && error.code !== 'improperly_configured' ? error.fileName : undefined
  return fileName === undefined || message.includes(fileName) ? message : `${fileName}: ${message}`
}
