import { fileURLToPath } from 'node:url'
import type { AzureSink } from '../../servers/azure-sink.ts'
import { runNode } from '../../support/child.ts'

/** An upload of a process of its own, in bytes. */
export interface BoundedUpload {
  readonly size: number
  readonly chunk: number
  readonly part: number
  readonly concurrency: number
  /** Milliseconds after which the process is killed. */
  readonly timeoutMs?: number
}

/** Uploads a stream in a process of its own; returns the bytes of buffers that were alive at most, and afterwards. */
export async function boundedUpload(
  sink: AzureSink,
  { size, chunk, part, concurrency, timeoutMs }: BoundedUpload,
): Promise<{ peak: number; after: number }> {
  const program = fileURLToPath(new URL('./bounded-upload.ts', import.meta.url))
  const words = ['--expose-gc', program, `${sink.url}/sink`, ...[size, chunk, part, concurrency].map(String)]
  const { stdout } = await runNode(words, { timeoutMs })
  return JSON.parse(stdout)
}
