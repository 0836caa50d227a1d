/** Where a listing is. */
import { randomBytes } from 'node:crypto'
import type { FolderNode } from './tree.ts'

/** One point of a listing; a cursor may be used again and leads to the same page. */
export interface Cursor {
  readonly base: FolderNode
  readonly folder: FolderNode
  readonly recursive: boolean
  readonly includeDeleted: boolean
  readonly limit: number
  /** What was there when the listing began: ids of nodes, and names of what was deleted. */
  readonly snapshot: readonly (string | readonly string[])[]
  /** How much of it was given. */
  readonly given: number
  /** How many changes of the space are known. */
  readonly seen: number
  /** Empty pages that were given in place of the next one. */
  readonly empty: number
  /** Whether no page of the listing was given yet. */
  readonly isFresh: boolean
}

/** All cursors that were given. */
export class CursorList {
  readonly #cursors = new Map<string, Cursor | 'reset'>()

  add(cursor: Cursor): string {
    const text = `AA${randomBytes(60).toString('base64url')}`
    this.#cursors.set(text, cursor)
    return text
  }

  find(text: string): Cursor | 'reset' | undefined {
    return this.#cursors.get(text)
  }

  /** Makes all cursors that were given so far invalid. */
  resetAll(): void {
    for (const text of this.#cursors.keys()) this.#cursors.set(text, 'reset')
  }
}
