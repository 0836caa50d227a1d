import type { Habits } from './habits.ts'
import type { Handles } from './handles.ts'
import type { Tree } from './tree.ts'

/** What the requests of one session work on. */
export interface Ground {
  readonly tree: Tree
  readonly handles: Handles
  readonly habits: Habits
  /** Whether SYMLINK has its target first, as OpenSSH has it and the draft has not. */
  readonly targetFirst: boolean
}
