/** Lines of a control connection, which is a Telnet connection (RFC 959, section 5.3.1; RFC 854). Bytes are Latin-1 text. */

const IAC = 0xff
const WILL = 0xfb
const DONT = 0xfe
const MOST = 8192

/** Cuts bytes into lines. */
export class LineReader {
  #rest: Buffer = Buffer.alloc(0)

  /** Whether bytes of an unfinished line have come. */
  get hasRest(): boolean {
    return this.#rest.length > 0
  }

  /** The lines that these bytes finish; undefined for one that is too long. */
  read(chunk: Buffer): (string | undefined)[] {
    const lines: (string | undefined)[] = []
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (let end = this.#rest.indexOf(10); end !== -1; end = this.#rest.indexOf(10)) {
      const line = this.#rest.subarray(0, end > 0 && this.#rest[end - 1] === 13 ? end - 1 : end)
      this.#rest = this.#rest.subarray(end + 1)
      lines.push(line.length > MOST ? undefined : withoutTelnet(line).toString('latin1'))
    }
    return lines
  }
}

/** Takes Telnet's own commands out: IAC IAC is a byte 255, IAC WILL and its like have an option, the others stand alone. */
function withoutTelnet(line: Buffer): Buffer {
  if (!line.includes(IAC)) return line
  const kept: number[] = []
  for (let at = 0; at < line.length; at++) {
    const next = line[at + 1]
    if (line[at] !== IAC || next === undefined || next < 0xf0) kept.push(line[at]!)
    else if (next === IAC) kept.push(line[++at]!)
    else at += next >= WILL && next <= DONT ? 2 : 1
  }
  return Buffer.from(kept)
}
