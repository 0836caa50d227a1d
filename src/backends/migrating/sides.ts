import { ImproperlyConfigured, messageOf } from '../../core/errors.ts'
import { kindOf } from '../../core/kind.ts'
import type { Input } from '../../core/settings.ts'
import type { AnyStorage } from '../../storage/storage.ts'
import type { Services } from '../../storage/types.ts'
import type { MigratingOptions } from './settings.ts'
import { Side } from './side.ts'

/** The two storages by what they are used for. */
export interface Sides {
  /** The storage that is looked up first. It decides about conditions and free names. */
  readonly first: Side
  readonly second: Side
  /** Whether a file that `first` lacks is looked up in `second`. */
  readonly fallsBack: boolean
  /** Whether every write goes to both. */
  readonly mirrors: boolean
}

/** Returns the two storages of the options. A missing, unknown or useless one is `improperly_configured`. */
export function sidesOf({ from, to, read = 'both', write = 'to' }: Input<MigratingOptions>, services: Services): Sides {
  if (read !== 'both' && write !== 'both') {
    const text =
      read === 'to'
        ? "with write: 'to' only the storage 'to' is used; use it directly"
        : "with write: 'to' a file could not be read after it was written"
    throw new ImproperlyConfigured(`read: '${read}' needs write: 'both': ${text}.`)
  }
  const old = new Side('from', resolved('from', from, services))
  const fresh = new Side('to', resolved('to', to, services))
  if (old.storage === fresh.storage) {
    throw new ImproperlyConfigured('from, to: they are one storage; expected two.')
  }
  const [first, second] = read === 'from' ? [old, fresh] : [fresh, old]
  return { first, second, fallsBack: read === 'both', mirrors: write === 'both' }
}

function resolved(option: 'from' | 'to', value: unknown, { storages, alias }: Services): AnyStorage {
  if (value === null || value === undefined) throw new ImproperlyConfigured(`${option}: expected a storage, got none.`)
  if (typeof value === 'function') return checked(option, value())
  if (typeof value !== 'string') return checked(option, value)
  if (value === alias) throw new ImproperlyConfigured(`${option}: '${value}' is the storage itself.`)
  if (storages === undefined) {
    const text = `'${value}' is an alias, which works only for the storages of a configuration: pass the storage itself.`
    throw new ImproperlyConfigured(`${option}: ${text}`)
  }
  let found: unknown
  try {
    found = storages(value)
  } catch (cause) {
    throw new ImproperlyConfigured(`${option}: ${messageOf(cause)}`, { cause })
  }
  return checked(option, found)
}

function checked(option: string, storage: unknown): AnyStorage {
  if (typeof storage === 'object' && storage !== null && 'open' in storage && 'calls' in storage) {
    return storage as AnyStorage
  }
  throw new ImproperlyConfigured(
    `${option}: expected an alias, a storage or a function that returns one, got ${kindOf(storage)}.`,
  )
}
