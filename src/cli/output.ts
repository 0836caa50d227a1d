import { once } from 'node:events'
import { styleText } from 'node:util'
import { isStorageError } from '../core/errors.ts'

/** A line that is redrawn on a terminal, and must be cleared while another line is written. */
export interface StatusLine {
  clear(): void
}

/** The output of a command: results to stdout, messages to stderr. */
export class Output {
  json = false
  quiet = false
  status: StatusLine | undefined
  /** Converts an error before it is printed. */
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

  /** Prints a progress message on stderr; nothing when quiet. */
  log(text: string): void {
    if (!this.quiet) this.#message(text)
  }

  /** Prints an important message on stderr, also when quiet. */
  warn(text: string): void {
    if (this.json) this.#message(JSON.stringify({ warning: text }))
    else this.#message(`${styleText('yellow', 'warning:', { stream: process.stderr })} ${lines(text)}`)
  }

  /** Prints an error: as text, or as a JSON line in JSON mode. */
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

  /** Prints that the command was interrupted, and its progress until then; also when quiet. */
  interrupted(text: string): void {
    const message = `interrupted: ${text}`
    this.#message(this.json ? JSON.stringify({ error: { name: 'Interrupted', message } }) : printable(message))
  }

  /** Prints a heading above an error, with a blank line between them; nothing in JSON mode. */
  failure(text: string): void {
    if (!this.json) this.#message(`${printable(text)}\n`)
  }

  #message(text: string): void {
    this.status?.clear()
    process.stderr.write(`${text}\n`)
  }

  /** Writes bytes or text to stdout unchanged. */
  async write(data: string | Uint8Array): Promise<void> {
    this.status?.clear()
    if (!process.stdout.write(data)) await once(process.stdout, 'drain')
  }
}

/** Returns text in a colour if stdout shows colours (honours NO_COLOR and FORCE_COLOR). */
export function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout })
}

/** Returns text that cannot control a terminal: control characters, also those that change the writing direction, are shown as `\x1b`. */
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

/** Formats a size in powers of 1000: `1.2 kB`; `?` if unknown. */
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

/** Formats a time in UTC without seconds; `-` if unknown. */
export function formatTime(time: Date | undefined): string {
  return time === undefined ? '-' : time.toISOString().slice(0, 16).replace('T', ' ')
}

/** Formats rows as aligned columns under a heading; columns named in `right` are aligned to the right. */
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
  segmenter ??= new Intl.Segmenter() // Creating one takes 10 ms.
  return segmenter.segment(text)
}

/** Returns the number of columns that a text takes on a terminal. (Unicode TR 11: wide characters take two, combining ones none) */
function width(text: string): number {
  let count = 0
  for (const { segment } of graphemes(text)) count += widthOf(segment)
  return count
}

function widthOf(segment: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}]+$/u.test(segment)) return 0
  return WIDE.test(segment) ? 2 : 1
}

/** Returns the beginning of a text that fits into this many columns. */
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

/** For one of many files, the message names the file. A configuration error applies to all of them. */
function named(message: string, error: unknown): string {
  const fileName = isStorageError(error) && error.code !== 'improperly_configured' ? error.fileName : undefined
  return fileName === undefined || message.includes(fileName) ? message : `${fileName}: ${message}`
}
