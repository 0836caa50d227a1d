/** A context of the command line whose output is collected. */
import { stripVTControlCharacters } from 'node:util'
import { Command } from 'commander'
import { vi } from 'vitest'
import { CliContext } from '../../src/cli/context.ts'

/** What was printed so far, without colours. */
export interface Captured {
  readonly context: CliContext
  readonly stdout: () => string
  readonly stderr: () => string
  restore(): void
}

/** Makes a context with global options such as `--json`. What it prints is collected until `restore`. */
export function captured(args: readonly string[] = [], isTerminal = false): Captured {
  const program = new Command('holdall')
  for (const flag of ['json', 'quiet', 'verbose', 'dry-run']) program.option(`--${flag}`)
  program.action(() => {}).parse(args, { from: 'user' })
  const context = new CliContext(program)
  context.out.json = context.options.json === true
  context.out.quiet = context.options.quiet === true
  const written = { stdout: '', stderr: '' }
  const streams = (['stdout', 'stderr'] as const).map(name => {
    const spy = vi.spyOn(process[name], 'write').mockImplementation(text => {
      written[name] += String(text)
      return true
    })
    const isTTY = Object.getOwnPropertyDescriptor(process[name], 'isTTY')
    Object.defineProperty(process[name], 'isTTY', { value: isTerminal, configurable: true })
    return () => {
      spy.mockRestore()
      if (isTTY === undefined) Reflect.deleteProperty(process[name], 'isTTY')
      else Object.defineProperty(process[name], 'isTTY', isTTY)
    }
  })
  vi.stubEnv('CI', undefined)
  return {
    context,
    stdout: () => stripVTControlCharacters(written.stdout),
    stderr: () => stripVTControlCharacters(written.stderr),
    restore: () => {
      for (const restore of streams) restore()
      vi.unstubAllEnvs()
    },
  }
}
