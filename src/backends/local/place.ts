import { join, sep } from 'node:path'
import type { Anchor } from './anchor.ts'

/** A file's place: its folder, held open if the system supports it, and its name in the folder. The caller must release it. */
export interface Place {
  /** Path of the folder for system calls. */
  readonly folder: string
  readonly base: string
  /** `folder` and `base` joined. */
  readonly path: string
  readonly anchor: Anchor
  /** Real path of the storage's folder in which the place was found; undefined if the location is looked up again at each step. */
  readonly root?: string | undefined
}

/** Another name in the folder of an anchor. */
export function placed(anchor: Anchor, base: string, root?: string): Place {
  return { folder: anchor.path, base, path: join(anchor.path, base), anchor, root }
}

/** A folder's key without its slash. */
export function withoutSlash(key: string): string {
  return key.endsWith('/') ? key.slice(0, -1) : key
}

/** Whether a path is a folder or lies in it; both are real paths. */
export function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
