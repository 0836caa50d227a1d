import type { Command } from 'commander'
import { UsageError } from './context.ts'

/** Adds a subcommand, whose help leaves out the options that only the command above has. */
export function subcommandOf(parent: Command, name: string): Command {
  const globals = parent.parent?.options ?? []
  return parent.command(name).configureHelp({ showGlobalOptions: true, visibleGlobalOptions: () => [...globals] })
}

/**
 * Returns the options of a subcommand. The command above takes those that both have, wherever they are written; one that only the command
 * above has is a usage error.
 */
export function optionsOfSubcommand<T extends object>(command: Command): T {
  const { parent } = command
  const own: Record<string, unknown> = command.opts()
  if (parent === null) return own as T
  for (const option of parent.options) {
    const name = option.attributeName()
    if (parent.getOptionValueSource(name) !== 'cli') continue
    if (!command.options.some(each => each.attributeName() === name)) {
      // Of `--a` and `--no-a`, the one that was given.
      const isGiven = option.negate === (parent.getOptionValue(name) === false)
      if (isGiven) throw new UsageError(`'${parent.name()} ${command.name()}' has no option '${option.long}'.`)
    } else own[name] = parent.getOptionValue(name)
  }
  return own as T
}
