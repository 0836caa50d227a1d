/** Runs of `collectstatic` over events that a test gives, in this process: what is printed, and how it ends. */
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { Command } from 'commander'
import { vi } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { type CollectCall, runCollect } from '../../src/cli/collect-run.ts'
import { CliContext } from '../../src/cli/context.ts'
import type { CollectEvent, CollectOptions, CollectSummary } from '../../src/static/types.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'

/** Settings of a storage that come from nowhere. */
export const NOWHERE = { settings: {}, env: {} } as const

/** How a run of a test goes. */
export interface Run {
  readonly events?: ReadonlyArray<CollectEvent | Error>
  readonly call?: Partial<CollectCall>
  readonly storage?: AnyStorage
  readonly json?: boolean
  readonly quiet?: boolean
  /** What is typed; without it standard input is no terminal. */
  readonly typed?: string
  /** Called with the context before the event of this index. */
  readonly before?: (index: number, context: CliContext) => void
}

/** What a run of a test did. */
export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
  readonly error: Error | undefined
  /** The options that the files were collected with; undefined where they were not. */
  readonly options: CollectOptions | undefined
}

/** A summary with these counts. */
export function summary(counts: Partial<CollectSummary> = {}): CollectSummary {
  const none = { copied: 0, linked: 0, unmodified: 0, postProcessed: 0, deleted: 0, failed: 0, warnings: 0 }
  return { type: 'summary', ...none, dryRun: false, destination: undefined, ...counts }
}

/** Collects what the events say. An `Error` among them is thrown. */
export async function collecting(run: Run = {}): Promise<Ran> {
  const { events = [summary()], call = {}, storage = new MemoryStorage({}, NOWHERE), before } = run
  const context = new CliContext(new Command())
  context.out.json = run.json === true
  context.out.quiet = run.quiet === true
  let options: CollectOptions | undefined
  async function* collect(given: CollectOptions): AsyncGenerator<CollectEvent, undefined> {
    options = given
    for (const [index, event] of events.entries()) {
      before?.(index, context)
      given.signal?.throwIfAborted()
      if (event instanceof Error) throw event
      yield event
    }
  }
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map(name =>
    vi.spyOn(process[name], 'write').mockImplementation(text => {
      written[name] += String(text)
      return true
    }),
  )
  const input = Object.assign(new PassThrough(), { isTTY: run.typed !== undefined })
  const stdin = vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as never)
  input.end(run.typed ?? '')
  let error: Error | undefined
  try {
    const whole = { alias: 'staticfiles', isInteractive: true, verbosity: 1 as const, options: {}, ...call }
    await runCollect(context, { storage, collect }, whole)
  } catch (thrown) {
    error = thrown as Error
  } finally {
    for (const spy of [...spies, stdin]) spy.mockRestore()
  }
  const { exitCode } = context
  const [stdout, stderr] = [written.stdout, written.stderr].map(text => stripVTControlCharacters(text))
  return { stdout: stdout!, stderr: stderr!, exitCode, error, options }
}
