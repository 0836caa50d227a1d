import { once } from 'node:events'
import { styleText } from 'node:util'

/** Where a command's results and messages go: results to stdout, messages to stderr. */
export class Output {
  json = false
  quiet = false

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
    if (!this.quiet) process.stderr.write(`${text}\n`)
  }

  /** A message that matters also when quiet, on stderr. */
  warn(text: string): void {
    process.stderr.write(`${styleText('yellow', 'warning:', { stream: process.stderr })} ${text}\n`)
  }

  /** Bytes or text to stdout as they are. */
  async write(data: string | Uint8Array): Promise<void> {
    if (!process.stdout.write(data)) await once(process.stdout, 'drain')
  }
}

/** Text in a colour where stdout shows colours (NO_COLOR and FORCE_COLOR count). */
export function paint(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout })
}

/** Text that cannot steer a terminal: control characters are shown as `\x1b`. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, c => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Bytes for people, in powers of 1000: `1.2 kB`. */
export function formatSize(bytes: number): string {
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

const graphemes = new Intl.Segmenter()

function width(text: string): number {
  let count = 0
  for (const { segment } of graphemes.segment(text))
    count += /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}]/u.test(
      segment,
    )
      ? 2
      : 1
  return count
}
