import type { CallOptions, FileRef } from '../core/call.ts'
import type { AnyBase } from './base.ts'

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
