import type { Readable } from 'node:stream'

/** One client of the sink; every method makes the one request that its name says and reads the whole answer. */
export interface Contender {
  put(key: string, bytes: Uint8Array): Promise<unknown>
  /** Gives how many bytes came. */
  get(key: string): Promise<number>
  /** Gives the size. */
  head(key: string): Promise<number>
  upload(key: string, source: Readable, size: number): Promise<unknown>
  /** Reads as a stream; gives how many bytes came. */
  download(key: string): Promise<number>
  /** Gives how many keys came. */
  list(): Promise<number>
}

/** Parts of uploads, for every client that can be told. */
export const PART_SIZE = 8 * 1024 * 1024
/** Parts on their way at a time, for every client that can be told. */
export const PARALLEL = 4

/** Bytes of a stream. */
export async function count(source: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const chunk of source) bytes += chunk.byteLength
  return bytes
}

/** Items of an iteration. */
export async function length(source: AsyncIterable<unknown> | Iterable<unknown>): Promise<number> {
  let items = 0
  for await (const _ of source) items++
  return items
}
