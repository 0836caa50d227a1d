import { Readable } from 'node:stream'

const BLOCK = 256 * 1024

/**
 * Returns a stream of positional reads from `start` on; `read` returns an empty buffer at the end. Destroying the stream does not close the
 * source.
 */
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
