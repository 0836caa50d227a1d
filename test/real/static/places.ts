import { cp, readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'

/** All files of a folder by their names, with forward slashes. */
export type Files = ReadonlyMap<string, Buffer>

/** Reads every file below a folder. */
export async function filesIn(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = new Map<string, Buffer>()
  for (const entry of entries.filter(one => one.isFile())) {
    const path = join(entry.parentPath, entry.name)
    files.set(path.slice(folder.length + 1).replaceAll(sep, '/'), await readFile(path))
  }
  return files
}

/** The names, in one order. */
export function namesOf(files: Files): string[] {
  return [...files.keys()].sort()
}

/** Copies a folder; what links point to is copied in their place. */
export function copyTree(from: string, to: string): Promise<void> {
  return cp(from, to, { recursive: true, dereference: true })
}
