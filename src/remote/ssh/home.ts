import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'

/** A path whose `~` is the home folder of this process. */
export function homePath(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(2)) : path
}

/** The login name of this process; undefined where the system knows none. */
export function loginName(env: Readonly<Record<string, string | undefined>>): string | undefined {
  for (const name of ['LOGNAME', 'USER', 'LNAME', 'USERNAME']) if (env[name]) return env[name]
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
