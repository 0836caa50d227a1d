import { Writable } from 'node:stream'
import { StorageError } from '../../core/errors.ts'

/** A question of a server, or of the storage itself, to a person. */
export interface Question {
  /** Title, and the server's instruction; both may be empty. */
  readonly name: string
  readonly instructions: string
  /** `echo`: whether the answer may be visible while it is typed. */
  readonly prompts: ReadonlyArray<{ readonly prompt: string; readonly echo: boolean }>
}

/** Answers the prompts of a question, with one text per prompt. */
export type Ask = (question: Question, options: { readonly signal: AbortSignal }) => Promise<readonly string[]>

/** The streams of a terminal. */
export interface TerminalStreams {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined }
  readonly output: NodeJS.WritableStream
}

/** Prompts on the terminal. Undefined if the input is not a terminal, so that no call waits for an answer that cannot come. */
export function terminalAsk(
  { input, output }: TerminalStreams = { input: process.stdin, output: process.stderr },
): Ask | undefined {
  if (input.isTTY !== true) return undefined
  return async ({ name, instructions, prompts }, { signal }) => {
    for (const line of [name, instructions]) if (line !== '') output.write(`${printable(line)}\n`)
    const answers: string[] = []
    for (const { prompt, echo } of prompts)
      answers.push(await askOne(printable(prompt), echo, { input, output }, signal))
    return answers
  }
}

/** A server's text without control characters of a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, char => (char === '\n' || char === '\t' ? char : '?'))
}

async function askOne(
  prompt: string,
  echo: boolean,
  { input, output }: TerminalStreams,
  signal: AbortSignal,
): Promise<string> {
  const { createInterface } = await import('node:readline')
  const shown = new Writable({
    write(chunk, _encoding, done) {
      if (echo) output.write(chunk)
      done()
    },
  })
  // From here on the terminal does not show what is typed.
  const lines = createInterface({ input, output: shown, terminal: true })
  output.write(prompt)
  try {
    return await new Promise<string>((resolve, reject) => {
      const given = (): void => reject(new StorageError('aborted', 'No answer was given.', { outcome: 'not_applied' }))
      lines.once('line', resolve).once('SIGINT', given).once('close', given)
      const aborted = (): void => reject(signal.reason)
      if (signal.aborted) aborted()
      else signal.addEventListener('abort', aborted, { once: true })
    })
  } finally {
    lines.close()
    output.write('\n')
  }
}
