import type { CallOptions, FileRef } from '../core/call.ts'
import type { AnyBase } from './base.ts'

/**
 * Where a file is, the same text for two storages of one place; undefined where the backend cannot say. Nothing is sent.
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
