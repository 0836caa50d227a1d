import type { Entry } from '../storage/types.ts'

/** A file of a side. */
export interface Item {
  /** What files of both sides are matched by: the name, or its folded form where the target folds names. */
  readonly key: string
  /** Relative to the side's folder. */
  readonly name: string
  readonly entry: Entry
  /** Why the file takes no part although its name is wanted: it stands for a folder, or another storage cannot have a file of this name. */
  readonly odd?: 'folder' | 'spelling' | undefined
  /** Whether the name is left out by `include` and `exclude`. */
  readonly isExcluded?: boolean | undefined
  /** Another name of the source that the target cannot hold beside this one. */
  readonly clash?: string | undefined
}

/** Whether a file takes part. */
export function isPart({ odd, isExcluded }: Item): boolean {
  return odd === undefined && isExcluded !== true
}
