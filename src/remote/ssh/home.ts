import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'

/** Replaces the `~` of a path with the home folder of this process. */
export function homePath(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(2)) : path
}

/** The login name of this process; undefined if the system has none. */
export function loginName(env: Readonly<Record<string, string | undefined>>): string | undefined {
  for (const name of ['LOGNAME', 'USER', 'LNAME', 'USERNAME']) if (env[name]) return env[name]
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
