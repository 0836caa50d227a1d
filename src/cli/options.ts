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
  return wholeNumberOf('--concurrency', text, 1)
}

/** The value of an option as a whole number. */
export function wholeNumberOf(option: string, text: string, least: number): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value
  throw new UsageError(`${option}: expected a whole number of at least ${least}, got '${text}'.`)
}

/** How much is printed: 0 nothing but warnings and failures, 1 what is odd or removed, 2 and 3 every file. */
export type Verbosity = 0 | 1 | 2 | 3

/** Declares `-v, --verbosity`, as Django's commands have it. */
export function allowVerbosity(command: Command): Command {
  return command.option('-v, --verbosity <level>', '0 minimal, 1 normal, 2 verbose, 3 very verbose', '1')
}

/** `--verbosity` as a number; `--quiet` is 0. */
export function verbosityOf(text: string, isQuiet: boolean): Verbosity {
  const level = (['0', '1', '2', '3'] as const).find(each => each === text)
  if (level === undefined) throw new UsageError(`--verbosity: expected 0, 1, 2 or 3, got '${text}'.`)
  return isQuiet ? 0 : (Number(level) as Verbosity)
}
