import type { ExpectedHash } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'

/** The destination of a body's bytes. */
export interface Sink {
  /** Returns whether more bytes may follow at once. */
  data(chunk: Buffer): boolean
  end(): void
  fail(error: unknown): void
}

/**
 * Returns a sink that compares all bytes with the hash that a service has stored for them. The last chunk is held back until they are
 * verified; otherwise the sink fails with code `checksum_mismatch`.
 */
export function hashedSink(sink: Sink, expected: ExpectedHash): Sink {
  const hash = expected.begin()
  let held: Buffer | undefined
  return {
    data(chunk) {
      hash.update(chunk)
      const before = held
      held = chunk
      return before === undefined || sink.data(before)
    },
    end() {
      if (hash.digest() !== expected.value) {
        const text = `The ${expected.name} of the received bytes differs from that of the stored file.`
        sink.fail(new StorageError('checksum_mismatch', text))
        return
      }
      if (held !== undefined) sink.data(held)
      sink.end()
    },
    fail: error => sink.fail(error),
  }
}

/** Whether bytes in memory have the expected hash. */
export function isExpected(bytes: Buffer, expected: ExpectedHash): boolean {
  if (expected.of !== undefined) return expected.of(bytes) === expected.value
  const hash = expected.begin()
  hash.update(bytes)
  return hash.digest() === expected.value
}
