import { opendir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isInside } from '../backends/local/place.ts'
import { isHidden } from '../core/hidden-names.ts'
import type { Skipped } from './local-files.ts'

/** Reports the links below a folder that a local storage does not follow: to folders, out of the folder, and dangling ones. */
export async function reportLinks(root: string, skipped: Skipped): Promise<void> {
  const real = await realpath(root)
  const folders = [root]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const entry of await opendir(folder)) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isSymbolicLink() && !isHidden(entry.name)) await reportLink(path, real, skipped)
    }
  }
}

async function reportLink(path: string, root: string, skipped: Skipped): Promise<void> {
  try {
    const [target, stats] = await Promise.all([realpath(path), stat(path)])
    if (stats.isDirectory()) skipped(path, 'links to folders are not followed', false)
    else if (!isInside(root, target)) skipped(path, 'it leads out of the folder', true)
  } catch {
    skipped(path, 'the link leads nowhere', true)
  }
}
