import { StorageError } from '../core/errors.ts'

/** The streams of a question. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream
}

/** Whether a person can answer a question: standard input is a terminal. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true
}

/**
 * Asks on the terminal and returns the answer, undefined if the input ended. The question goes to stderr: stdout is for results. An aborted
 * signal is `aborted`.
 */
export async function ask(
  question: string,
  signal: AbortSignal,
  terminal: Terminal = { input: process.stdin, output: process.stderr },
): Promise<string | undefined> {
  const { createInterface } = await import('node:readline')
  // Without `terminal` the system edits the line, and Ctrl-C stays a signal.
  const lines = createInterface({ ...terminal, terminal: false })
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const stop = (): void =>
    reject(new StorageError('aborted', 'The question was not answered.', { cause: signal.reason }))
  signal.addEventListener('abort', stop)
  lines.once('line', resolve).once('close', () => resolve(undefined))
  if (signal.aborted) stop()
  else terminal.output.write(question)
  try {
    const answer = await promise
    if (answer === undefined) terminal.output.write('\n')
    return answer
  } finally {
    signal.removeEventListener('abort', stop)
    lines.close()
  }
}
