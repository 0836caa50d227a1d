import { Readable } from 'node:stream'

const BLOCK = 256 * 1024

/** A stream of positional reads from `start` on; `read` gives an empty buffer at the end. Destroying it closes nothing below. */
export function accessStream(read: (position: number, length: number) => Promise<Buffer>, start = 0): Readable {
  let position = start
  return new Readable({
    highWaterMark: BLOCK,
    read() {
      read(position, BLOCK).then(
        bytes => {
          position += bytes.length
          this.push(bytes.length === 0 ? null : bytes)
        },
        error => this.destroy(error),
      )
    },
  })
}
