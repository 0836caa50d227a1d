import type { NameRange } from '../transfer/side.ts'

/** A part of a listing; see `NameRange`. */
export type KeyRange = NameRange

/** Lists a folder for `splitKey`. */
export interface Probe {
  /**
   * Sends one request: returns the first names of the range, in order. Fewer than `limit` must mean that there are no more. All names of the
   * service count, also those that a filter excludes.
   */
  page(after: string | undefined, until: string | undefined, limit: number): Promise<readonly string[]>
}
