import { type Command, Option } from 'commander'
import { UsageError } from './context.ts'

/** Declares `-r, --recursive`; also accepts `-R`, like `ls` and `cp` of the system. */
export function allowRecursive(command: Command, description: string): Command {
  return command
    .option('-r, --recursive', description)
    .addOption(new Option('-R').hideHelp())
    .on('option:R', () => command.setOptionValue('recursive', true))
}

/** Declares `--skip-existing`. */
export function allowSkipExisting(command: Command): Command {
  return command.option('--skip-existing', 'skip files whose name is taken, whatever their content')
}

/** Rejects `--skip-existing` together with an option that contradicts it. */
export function checkSkipExisting(options: {
  readonly skipExisting?: boolean
  readonly overwrite?: boolean
  readonly resume?: boolean
}): void {
  if (options.skipExisting !== true) return
  const other = options.overwrite === true ? '--overwrite' : options.resume === true ? '--resume' : undefined
  if (other !== undefined) throw new UsageError(`--skip-existing and ${other} exclude each other.`)
}

/** Returns `--concurrency` as a number. */
export function concurrencyOf(text: string): number {
  return wholeNumberOf('--concurrency', text, 1)
}

/** Returns the value of an option as a whole number. */
export function wholeNumberOf(option: string, text: string, least: number): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value
  throw new UsageError(`${option}: expected a whole number of at least ${least}, got '${text}'.`)
}

/** Returns the value of an option as a percentage. */
export function percentOf(option: string, text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 100) return value
  throw new UsageError(`${option}: expected a percentage from 0 to 100, got '${text}'.`)
}

/** Seconds in each unit of a duration. */
const UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }

/** Bounds of a duration, in seconds; default minimum: 1. */
export interface DurationBounds {
  readonly least?: number
  readonly most?: number
}

/** Returns the value of an option in seconds: a whole number of them, or one with a unit: `90s`, `10m`, `1h`, `7d`. */
export function secondsOf(option: string, text: string, { least = 1, most }: DurationBounds = {}): number {
  const [, digits, unit = ''] = /^(\d{1,15})([smhd]?)$/.exec(text) ?? []
  const seconds = digits === undefined ? Number.NaN : Number(digits) * UNITS[unit]!
  if (Number.isSafeInteger(seconds) && seconds >= least && seconds <= (most ?? seconds)) return seconds
  const range = most === undefined ? `at least ${least}` : `from ${least} to ${most}`
  throw new UsageError(
    `${option}: expected whole seconds, or a duration as 90s, 10m, 1h or 7d, ${range} s, got '${text}'.`,
  )
}

/** Bytes in each unit of a size, in powers of 1000, as sizes are printed. */
const SIZES: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 }

/** Returns the value of an option in bytes: a number of them, or one with a unit of powers of 1000: `500K`, `10M`, `1.5G`. */
export function bytesOf(option: string, text: string): number {
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?)([kmg]?)b?$/i.exec(text) ?? []
  const bytes = digits === undefined ? 0 : Math.round(Number(digits) * SIZES[unit.toLowerCase()]!)
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes
  throw new UsageError(`${option}: expected a number of bytes, at least 1, or one as 500K, 10M or 1G; got '${text}'.`)
}

/** How much is printed: 0 only warnings and failures, 1 also unusual events and removed files, 2 and 3 every file. */
export type Verbosity = 0 | 1 | 2 | 3

/** Declares `-v, --verbosity`, like in Django's commands. */
export function allowVerbosity(command: Command): Command {
  return command.option('-v, --verbosity <level>', '0 minimal, 1 normal, 2 verbose, 3 very verbose', '1')
}

/** Returns `--verbosity` as a number; `--quiet` is 0. */
export function verbosityOf(text: string, isQuiet: boolean): Verbosity {
  const level = (['0', '1', '2', '3'] as const).find(each => each === text)
  if (level === undefined) throw new UsageError(`--verbosity: expected 0, 1, 2 or 3, got '${text}'.`)
  return isQuiet ? 0 : (Number(level) as Verbosity)
}
