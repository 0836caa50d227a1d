/** One answer of the server to a command; `message` begins with the code and may have several lines. (RFC 959, section 4.2) */
export interface Reply {
  readonly code: number
  readonly message: string
}

/** The address at which the server waits for a data connection. */
export interface DataTarget {
  /** Absent: the host of the control connection. */
  readonly host?: string | undefined
  readonly port: number
}

/** The path of an answer to PWD: in quotes, with quotes inside doubled. (RFC 959, appendix II) */
export function pathIn({ message }: Reply): string | undefined {
  const [, quoted] = /^257[ -]?\s*"((?:[^"]|"")*)"/.exec(message) ?? []
  return quoted?.replaceAll('""', '"')
}

/** The size in bytes of an answer to SIZE; undefined if it has no number. (RFC 3659, section 4) */
export function sizeIn({ message }: Reply): number | undefined {
  const [, digits] = /^213[ -]\s*(\d+)(?![\d.])/.exec(message) ?? []
  const size = Number(digits)
  return digits !== undefined && Number.isSafeInteger(size) ? size : undefined
}

/** A time of MDTM or MLSD, which is in UTC: `20261128190102.123`. (RFC 3659, section 2.3) */
export function timeIn(text: string): Date | undefined {
  const found = /^\s*(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d+)?(?!\d)/.exec(text)
  if (found === null) return undefined
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const ms = Math.trunc(Number(found[7] ?? 0) * 1000)
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second, ms))
  return year >= 1900 && time.getUTCMonth() === month - 1 && time.getUTCDate() === day && hour < 24 ? time : undefined
}

/** A time in the format of MFMT. */
export function timeText(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '')
}

/** The port of an answer to EPSV, with any delimiter around it. (RFC 2428, section 3) */
export function epsvTarget({ code, message }: Reply): DataTarget | undefined {
  const [, , digits] = /\(?([!-~])\1\1(\d{1,5})\1\)?/.exec(code === 229 ? message.slice(4) : '') ?? []
  return digits === undefined ? undefined : targetOf(Number(digits))
}

/** The address of an answer to PASV. (RFC 959, section 4.1.2; RFC 1123, section 4.1.2.6: the brackets may be missing) */
export function pasvTarget({ code, message }: Reply): DataTarget | undefined {
  const found = /(?<!\d)(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})(?!\d)/.exec(message.slice(4))
  const bytes = found?.slice(1).map(Number)
  if (code !== 227 || bytes === undefined || bytes.some(byte => byte > 255)) return undefined
  return targetOf(bytes[4]! * 256 + bytes[5]!, bytes.slice(0, 4).join('.'))
}

function targetOf(port: number, host?: string): DataTarget | undefined {
  return port >= 1 && port <= 65_535 ? { host, port } : undefined
}

/** The features in an answer to FEAT: names in upper case, with their parameters. (RFC 2389, section 3.2) */
export function featuresIn({ message }: Reply): ReadonlyMap<string, string> {
  const features = new Map<string, string>()
  for (const line of message.split('\n').slice(1, -1)) {
    const feature = line
      .trim()
      .replace(/^211[ -]/, '')
      .trim()
    const [name = ''] = feature.split(/\s/, 1)
    if (name !== '') features.set(name.toUpperCase(), feature.slice(name.length).trim())
  }
  return features
}
