/** Where fault cases run: a server, how a storage reaches it, and how what is left is seen without the proxy. */
import type { Storage } from '../../src/storage/storage.ts'
import type { ProxiedRequest } from '../servers/fault-proxy.ts'

/** What a call gives up after. */
export interface Patience {
  /** Seconds without progress. */
  readonly timeoutSecs: number
  readonly maxAttempts: number
}

/** A server with a backend's requests to it, by the names of the steps that they are. */
export interface Ground<S extends string = string> {
  /** The server that the proxy stands before. */
  readonly url: string
  /** Which requests a step consists of. */
  readonly steps: Readonly<Record<S, (request: ProxiedRequest) => boolean>>
  /** The steps whose answers have no body: cut off after their head they are whole. */
  readonly bodyless: readonly S[]
  /** The steps after which the backend waits before it looks at what a lost answer left behind: many of their cases run at once. */
  readonly waits?: readonly S[]
  /** A storage that reaches the server by way of this URL; its name of a file is the key. */
  storage(url: string, patience: Patience): Storage
  /** Stores bytes without the proxy. */
  put(key: string, bytes: Buffer): Promise<void>
  /** The bytes under a key, looked up without the proxy; undefined when there is no object. */
  stored(key: string): Promise<Buffer | undefined>
  /** Keys of the uploads that are open below a prefix; none where a service leaves nothing open. */
  openUploads(prefix: string): Promise<readonly string[]>
}

/** Bytes that differ everywhere, so that parts in a wrong order show. */
export function distinctBytes(size: number): Buffer {
  return Buffer.from(Uint32Array.from({ length: size / 4 }, (_, at) => at * 2654435761).buffer)
}

/** The bytes as a stream of unknown length, in pieces that have nothing to do with parts. */
export async function* streamed(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += 20_011) yield bytes.subarray(start, start + 20_011)
}
