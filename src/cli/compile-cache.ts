import { lstatSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps compiled code from one command to the next, in the user's own cache folder. Node runs the code in it: Node's default, below the
 * folder that all users share for temporary files, could have been made by any of them. Without a safe folder nothing is kept, and each
 * command starts a little later. This file imports nothing of the project: it is loaded before the code that is kept.
 */
export function keepCompiledCode(): void {
  const { NODE_COMPILE_CACHE: chosen, NODE_DISABLE_COMPILE_CACHE: disabled } = process.env
  if (chosen !== undefined || disabled !== undefined) return // Node itself honours these variables.
  try {
    const caches = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
    const folder = join(caches, 'holdall')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (isOwn(caches) && isOwn(folder)) process.getBuiltinModule('node:module').enableCompileCache(folder)
  } catch {
    // The folder cannot be made, or the user of a container has no home folder. (os.homedir)
  }
}

/** Whether only this user can change the content of a folder. Windows does not report this, and protects the folders of users. */
function isOwn(folder: string): boolean {
  const { uid, mode } = lstatSync(folder)
  return (
    process.geteuid === undefined ||
    (uid === process.geteuid() && (mode & 0o022) === 0 && (mode & 0o170000) === 0o040000)
  )
}
