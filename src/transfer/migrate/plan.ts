import { nodeCrypto } from '../../core/builtin.ts'
import { StorageError } from '../../core/errors.ts'
import { addressOf } from '../../storage/address.ts'
import type { Side } from '../side.ts'
import type { MigrateOptions, MigrationPlan } from './types.ts'

/** Returns what a migration with these options does. */
export function planOf(options: MigrateOptions): MigrationPlan {
  const { include, exclude, verify = 'size', since, delete: deletes = false, maxDelete } = options
  const { allowEmptySource = false, times = true, visibility = true } = options
  return {
    ...(include !== undefined && include.length > 0 && { include }),
    ...(exclude !== undefined && exclude.length > 0 && { exclude }),
    verify,
    ...(since !== undefined && { since: since.toISOString() }),
    delete: deletes,
    ...(maxDelete !== undefined && { maxDelete }),
    allowEmptySource,
    times,
    visibility,
  }
}

/**
 * Rejects options that differ from the plan of an unfinished run, with `invalid_argument`. A later `since` is accepted: the time of a
 * relative one moves on, and the run copies what was modified after the earlier one.
 */
export function checkSamePlan(path: string, stored: MigrationPlan, given: MigrationPlan): void {
  const names = Object.keys({ ...stored, ...given }) as ReadonlyArray<keyof MigrationPlan>
  const others = names.filter(name => {
    const [before, now] = [stored[name], given[name]]
    if (name === 'since' && before !== undefined && now !== undefined) return String(now) < String(before)
    return JSON.stringify(before) !== JSON.stringify(now)
  })
  if (others.length === 0) return
  const shown = others.map(name => `${name} was ${textOf(stored[name])} and is ${textOf(given[name])}`)
  const text = `ledger: '${path}' has an unfinished run with other options: ${shown.join('; ')}. Use the same options to continue it, or restart to begin a new run.`
  throw new StorageError('invalid_argument', text, { fileName: path })
}

function textOf(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value)
}

/** A name that represents any file of a folder. */
const PROBE = 'holdall-place'

/** Returns a hash that is the same for the same two places. */
export async function placesId(source: Side, target: Side, signal: AbortSignal): Promise<string> {
  const texts = await Promise.all([placeOf(source, signal), placeOf(target, signal)])
  return nodeCrypto().createHash('sha256').update(JSON.stringify(texts)).digest('hex')
}

async function placeOf({ storage, folder }: Side, signal: AbortSignal): Promise<string> {
  if (storage.supports('path')) return `local ${storage.path(folder === '' ? '' : folder.slice(0, -1))}`
  const address = await addressOf(storage, storage.newRef(`${folder}${PROBE}`), { signal })
  return address ?? `${storage.calls.driver.name} ${storage.prefix}${folder}`
}

/** Returns how a place is named where no title is given: the storage's class and the folder. */
export function titleOf({ storage, folder }: Side): string {
  return `${storage.constructor.name}:${folder}`
}
