import { mapParallel } from '../core/parallel.ts'
import type { Item } from './item.ts'
import type { Places } from './places.ts'
import { statedFile } from './stated-file.ts'

/** Maximum difference in milliseconds between the clocks of both places and this machine; S3 has the same limit. */
const CLOCK_SKEW_MS = 15 * 60_000
/** Number of files that are looked up in parallel. */
const AT_ONCE = 16

/** Whether a file of the target may have been stored after the listings began (`begun`, in milliseconds), and then in the source as well. */
export function isRecent({ entry: { modifiedAt, isRoughTime } }: Item, begun: number): boolean {
  return modifiedAt === undefined || isRoughTime === true || +modifiedAt > begun - CLOCK_SKEW_MS
}

/** Whether the source has a file now. */
export async function isInSource({ source }: Places, name: string, signal: AbortSignal): Promise<boolean> {
  return (await statedFile(source, name, signal)) !== undefined
}

/** Returns the files that the source does not have now; only recent ones are looked up. */
export async function stillExtra<T extends { readonly name: string; readonly isRecent: boolean }>(
  places: Places,
  extras: readonly T[],
  signal: AbortSignal,
): Promise<readonly T[]> {
  const found = await mapParallel(extras, { limit: AT_ONCE, signal }, async extra =>
    extra.isRecent && (await isInSource(places, extra.name, signal)) ? undefined : extra,
  )
  return found.filter(extra => extra !== undefined)
}
