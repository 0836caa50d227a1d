import type { Entry } from '../storage/types.ts'

/** A file of a side. */
export interface Item {
  /** The key by which files of both sides are matched: the name, or its folded form if the target folds names. */
  readonly key: string
  /** Relative to the side's folder. */
  readonly name: string
  readonly entry: Entry
  /**
   * Why the file does not take part although its name is wanted: it represents a folder, or another storage cannot have a file of this
   * name (`spelling`).
   */
  readonly odd?: 'folder' | 'spelling' | undefined
  /** Whether `include` and `exclude` leave the name out. */
  readonly isExcluded?: boolean | undefined
  /** Another name of the source that the target cannot store beside this one. */
  readonly clash?: string | undefined
}

/** Whether a file takes part. */
export function isPart({ odd, isExcluded }: Item): boolean {
  return odd === undefined && isExcluded !== true
}
