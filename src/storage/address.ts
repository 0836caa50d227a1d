import type { CallOptions, FileRef } from '../core/call.ts'
import type { Driver } from '../core/driver.ts'
import type { AnyBase } from './base.ts'

/** Numbers of the drivers that cannot determine where their files are. */
const numbers = new WeakMap<Driver, number>()
let count = 0

/**
 * Returns a text that identifies the location of a file. Two storages of one location return the same text. Undefined where the backend
 * cannot determine it. Sends no request.
 */
export async function addressOf(
  { calls }: AnyBase,
  ref: FileRef,
  options: CallOptions = {},
): Promise<string | undefined> {
  const { driver } = calls
  if (driver.address === undefined) return undefined
  return `${driver.name} ${await calls.local('address', ref, options, ctx => driver.address!(ref.key, ctx))}`
}

/**
 * Returns the locations of a file: one, or those in each storage that this one is made of. Two files that may be one have one in common. Sends
 * no request.
 */
export async function addressesOf(
  { calls }: AnyBase,
  ref: FileRef,
  options: CallOptions = {},
): Promise<readonly string[]> {
  const places = placesOf(calls.driver, ref.key)
  return Promise.all(
    places.map(async ({ driver, key }) => {
      if (driver.address === undefined) return `${numberOf(driver)} /${key}`
      return `${driver.name} ${await calls.local('address', ref, options, ctx => driver.address!(key, ctx))}`
    }),
  )
}

interface Place {
  readonly driver: Driver
  readonly key: string
}

function placesOf(driver: Driver, key: string): readonly Place[] {
  return driver.parts?.(key).flatMap(part => placesOf(part.driver, part.key)) ?? [{ driver, key }]
}

function numberOf(driver: Driver): number {
  const known = numbers.get(driver) ?? ++count
  numbers.set(driver, known)
  return known
}
