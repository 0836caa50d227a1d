import type { ExpectedHash } from '../core/driver.ts'
import { StorageError } from '../core/errors.ts'

/** Where the bytes of a body go. */
export interface Sink {
  /** Whether more may come at once. */
  data(chunk: Buffer): boolean
  end(): void
  fail(error: unknown): void
}

/**
 * A sink that compares all bytes with the hash a service has stored of them. The last chunk is held back until they are known to be right;
 * else the sink fails with code `checksum_mismatch`.
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
        const text = `The bytes that came have another ${expected.name} than the service has stored.`
        sink.fail(new StorageError('checksum_mismatch', text))
        return
      }
      if (held !== undefined) sink.data(held)
      sink.end()
    },
    fail: error => sink.fail(error),
  }
}

/** Whether bytes at hand have the expected hash. */
export function isExpected(bytes: Buffer, expected: ExpectedHash): boolean {
  if (expected.of !== undefined) return expected.of(bytes) === expected.value
  const hash = expected.begin()
  hash.update(bytes)
  return hash.digest() === expected.value
}
