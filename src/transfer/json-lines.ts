import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'

const CHUNK = 64 * 1024

/** Writes lines of JSON to a new file of this machine that only its owner may read. */
export class JsonLinesWriter {
  readonly #descriptor: number
  #text = ''

  constructor(path: string) {
    this.#descriptor = openSync(path, 'wx', 0o600)
  }

  write(line: string): void {
    this.#text += `${line}\n`
    if (this.#text.length >= CHUNK) this.#flush()
  }

  close(): void {
    try {
      this.#flush()
    } finally {
      closeSync(this.#descriptor)
    }
  }

  #flush(): void {
    // A regular file accepts all bytes, or the disk is full and the next call fails.
    const bytes = Buffer.from(this.#text)
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(this.#descriptor, bytes, at)
    this.#text = ''
  }
}

/** Returns the lines of a file, without their line feeds. JSON text contains no line feed; other line separators may be in names. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: CHUNK })) {
    const lines = (rest + (chunk as string)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}
