import { staticSettings } from '../config/static-settings.ts'
import { ImproperlyConfigured, messageOf, StorageError } from '../core/errors.ts'
import { CALL_OPTIONS, checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import type { StaticFilesOptions } from './options.ts'
import type { CollectOptions } from './types.ts'

const COLLECT_OPTIONS: KnownOptions<CollectOptions> = {
  ...CALL_OPTIONS,
  dryRun: true,
  clear: true,
  link: true,
  postProcess: true,
  ignore: true,
  defaultIgnore: true,
  concurrency: true,
  deleteStale: true,
  keep: true,
  compare: true,
}

/**
 * Returns the options after a check of their types, for programs without type checks; otherwise `improperly_configured` with the option's
 * name.
 */
export function checkedOptions(options: StaticFilesOptions): StaticFilesOptions {
  const { finders, manifest } = options
  if (!Array.isArray(finders)) throw new ImproperlyConfigured('finders: expected a list of finders.')
  const checked: Record<string, unknown> = { ...options }
  for (const name of ['compress', 'headers', 'ignore'] as const) {
    if (options[name] !== undefined) checked[name] = parsed(name, options[name])
  }
  if (typeof manifest === 'object' && manifest !== null) {
    const { storage, ...others } = manifest
    const known = parsed('manifest', others) as object
    checked['manifest'] = storage === undefined ? known : { ...known, storage }
  } else if (manifest !== undefined) checked['manifest'] = parsed('manifest', manifest) ?? undefined
  return checked as unknown as StaticFilesOptions
}

/** Rejects invalid options of a run: `invalid_argument`. */
export function checkCollectOptions(options: CollectOptions): void {
  checkKnownOptions('collect', options, COLLECT_OPTIONS)
  const { concurrency = 1, keep = 0, compare = 'digest', ignore = [] } = options
  checkWhole('concurrency', concurrency, 1)
  checkWhole('keep', keep, 0)
  if (compare !== 'digest' && compare !== 'modifiedTime') throw wrong('compare', "'digest' or 'modifiedTime'", compare)
  if (!Array.isArray(ignore)) throw wrong('ignore', 'a list of patterns', ignore)
}

function parsed(name: 'manifest' | 'compress' | 'headers' | 'ignore', raw: unknown): unknown {
  try {
    return staticSettings[name].parse(raw)
  } catch (cause) {
    throw new ImproperlyConfigured(`${name}: ${messageOf(cause)}.`, { cause })
  }
}

function checkWhole(name: string, value: unknown, least: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw wrong(name, `a whole number from ${least}`, value)
}

function wrong(name: string, expected: string, value: unknown): StorageError {
  return new StorageError('invalid_argument', `collect: ${name}: expected ${expected}, got ${JSON.stringify(value)}.`)
}
