import { lstat, mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { temporaryName } from '../core/hidden-names.ts'
import type { Side } from './side.ts'

/**
 * Returns whether a target treats names that differ only in letter case or Unicode form as the same name. Dropbox does. For a folder of
 * this machine it is determined with a hidden file, which is removed again, or in a dry run by the path of the folder in other letters.
 */
export async function findsFolding({ storage, folder }: Side, dryRun: boolean): Promise<boolean> {
  if (storage.calls.driver.name === 'dropbox') return true
  if (!storage.supports('path')) return false
  const path = storage.path(folder === '' ? '' : folder.slice(0, -1))
  if (dryRun) return isSameFile(path, join(dirname(path), swapped(basename(path))))
  await mkdir(path, { recursive: true })
  const name = temporaryName()
  await writeFile(join(path, name), '', { flag: 'wx' })
  try {
    return await isSameFile(join(path, name), join(path, name.toUpperCase()))
  } finally {
    await rm(join(path, name), { force: true })
  }
}

async function isSameFile(path: string, other: string): Promise<boolean> {
  if (path === other) return false
  try {
    const [one, two] = await Promise.all([lstat(path, { bigint: true }), lstat(other, { bigint: true })])
    return one.ino === two.ino && one.dev === two.dev
  } catch {
    return false
  }
}

function swapped(name: string): string {
  return name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()
}

/** Whether a target has real folders, so that a file and a folder cannot have one name. */
export function hasFolders({ storage }: Side): boolean {
  return storage.supports('path') || FOLDERS.has(storage.calls.driver.name)
}

const FOLDERS: ReadonlySet<string> = new Set(['memory', 'ftp', 'sftp', 'dropbox', 'atmos', 'nimbus'])
