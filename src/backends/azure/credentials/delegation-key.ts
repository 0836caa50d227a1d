import { StorageError } from '../../../core/errors.ts'
import { Renewed } from '../../../remote/token.ts'
import type { XmlNode } from '../../../remote/xml.ts'

/**
 * A key that the service issues to an identity, for signing SAS.
 * (https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key)
 */
export interface DelegationKey {
  readonly objectId: string
  readonly tenantId: string
  readonly startsAt: Date
  readonly expiresAt: Date
  readonly service: string
  readonly version: string
  /** Secret, in base64. */
  readonly value: string
}

/** How long before now a key starts, in ms, so that a fresh URL does not fail if clocks differ. */
const START_EARLY_MS = 15 * 60_000
/** How much shorter than the maximum the requested lifetime of a key is, in ms. */
const MARGIN_MS = 60_000
/** The maximum loss of lifetime by rounding start and end to whole seconds, in ms. */
const ROUNDING_MS = 2_000
const MOST_MS = 7 * 86_400_000

/**
 * Longest lifetime in seconds of a SAS that a delegation key can sign: 7 days less about 16 minutes, since a key starts 15 minutes earlier.
 */
export const MAX_DELEGATION_SECS: number = (MOST_MS - START_EARLY_MS - MARGIN_MS - ROUNDING_MS) / 1000

/** How keys are loaded. */
export interface DelegationKeysOptions {
  /** Requests a key from the service. The key may end earlier than requested. */
  load(startsAt: Date, expiresAt: Date): Promise<DelegationKey>
  /** Clock in ms. */
  readonly now?: (() => number) | undefined
}

/** The key that signs SAS for an identity. It is loaded once for many calls, kept until near its end, and replaced if it ends too early. */
export class DelegationKeys {
  readonly #renewed: Renewed<DelegationKey>
  readonly #now: () => number

  constructor({ load, now = () => Date.now() }: DelegationKeysOptions) {
    this.#now = now
    this.#renewed = new Renewed(() => load(...this.#period()), { endOf: key => key.expiresAt, now })
  }

  /**
   * A key that is valid at least until `until`. Code `invalid_argument` for a lifetime that no key covers, including if the service's own
   * keys end earlier than requested. `signal` ends the wait.
   */
  async get(until: Date, signal?: AbortSignal): Promise<DelegationKey> {
    if (!(until.getTime() <= this.#period()[1].getTime())) {
      throw tooLong(until, `a delegation key lives 7 days at most, which leaves ${MAX_DELEGATION_SECS} seconds`)
    }
    const fits = (key: DelegationKey): boolean => key.expiresAt.getTime() >= until.getTime()
    // The first load may have been running for a while.
    const first = await this.#renewed.get(signal, fits)
    const key = fits(first) ? first : await this.#renewed.get(signal, fits)
    if (fits(key)) return key
    throw tooLong(until, `the service issued a delegation key until ${key.expiresAt.toISOString()}`)
  }

  /** Whole seconds: the service does not accept fractions. */
  #period(): [startsAt: Date, expiresAt: Date] {
    const startMs = Math.floor((this.#now() - START_EARLY_MS) / 1000) * 1000
    return [new Date(startMs), new Date(startMs + MOST_MS - MARGIN_MS)]
  }
}

function tooLong(until: Date, why: string): StorageError {
  const end = Number.isNaN(until.getTime()) ? 'an invalid date' : until.toISOString()
  return new StorageError('invalid_argument', `a signed URL cannot live until ${end}: ${why}`)
}

/** The body of a request for a key: `POST /?restype=service&comp=userdelegationkey`. */
export function keyInfo(startsAt: Date, expiresAt: Date): string {
  return `<?xml version="1.0" encoding="utf-8"?><KeyInfo><Start>${seconds(startsAt)}</Start><Expiry>${seconds(expiresAt)}</Expiry></KeyInfo>`
}

/** The key in an answer. Code `unavailable` for an invalid answer, with the name of the missing field and never its value. */
export function parseDelegationKey(root: XmlNode): DelegationKey {
  const text = (name: string): string => {
    const found = root.child(name)?.text.trim()
    if (root.name !== 'UserDelegationKey' || !found) throw badAnswer(name)
    return found
  }
  const date = (name: string): Date => {
    const found = new Date(text(name))
    if (Number.isNaN(found.getTime())) throw badAnswer(name)
    return found
  }
  const key = {
    objectId: text('SignedOid'),
    tenantId: text('SignedTid'),
    startsAt: date('SignedStart'),
    expiresAt: date('SignedExpiry'),
    service: text('SignedService'),
    version: text('SignedVersion'),
    value: text('Value'),
  }
  if (key.expiresAt <= key.startsAt) throw badAnswer('SignedExpiry')
  return key
}

function badAnswer(name: string): StorageError {
  return new StorageError('unavailable', `The service answered with a delegation key without a valid ${name}.`)
}

/** A time in the service's format, in whole seconds. */
export function seconds(time: Date): string {
  return `${time.toISOString().slice(0, -5)}Z`
}
