import { type Command, Option } from 'commander'
import { UsageError } from './context.ts'

/** Declares `-r, --recursive`; `-R` is understood too, as `ls` and `cp` of the system have it. */
export function allowRecursive(command: Command, description: string): Command {
  return command
    .option('-r, --recursive', description)
    .addOption(new Option('-R').hideHelp())
    .on('option:R', () => command.setOptionValue('recursive', true))
}

/** `--concurrency` as a number. */
export function concurrencyOf(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1) return limit
  throw new UsageError(`--concurrency: expected a whole number of at least 1, got '${text}'.`)
}
