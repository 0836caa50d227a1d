/** ASCII mode: lines end in LF on the server and in CRLF on the wire (RFC 959, section 3.1.1.1). */

const CR = 13
const LF = 10

/** Bytes of a file as they go over the wire. */
export function toNetwork(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
}

/** Bytes of the wire as they are stored; a CR at the end of a piece waits for the next one. */
export class FromNetwork {
  #hasCr = false

  convert(chunk: Buffer): Buffer {
    const all = this.#hasCr ? Buffer.concat([Buffer.from([CR]), chunk]) : chunk
    this.#hasCr = all.at(-1) === CR
    const kept: number[] = []
    const end = this.#hasCr ? all.length - 1 : all.length
    for (let at = 0; at < end; at++) if (all[at] !== CR || all[at + 1] !== LF) kept.push(all[at]!)
    return Buffer.from(kept)
  }

  end(): Buffer {
    return Buffer.from(this.#hasCr ? [CR] : [])
  }
}
