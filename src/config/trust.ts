import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs'
import { userInfo } from 'node:os'
import { isAbsolute, join, parse, resolve, sep } from 'node:path'
import { ImproperlyConfigured } from '../core/errors.ts'

/** Maximum number of links in one path, as on Linux. (path_resolution(7)) */
const MAX_LINKS = 40
const GROUP_WRITE = 0o020
const OTHERS_WRITE = 0o002
const STICKY = 0o1000

/**
 * Rejects a file that another user could have written: the file, each folder on the way to it and each link must belong to this user or to
 * root, and no other user may write to them. A sticky folder (`/tmp`) may be on the way, but must not contain the file itself. The check
 * goes down from the root, so it has no races: other users can no longer change what has been checked. Not on Windows, which has no such
 * permission bits. The error is an `ImproperlyConfigured` that names the file, the owner and the remedy.
 */
export function refuseForeign(path: string): void {
  const user = process.geteuid?.()
  if (user === undefined) return
  const file = resolve(path)
  for (const step of stepsTo(file)) {
    const problem = problemOf(step, user)
    if (problem === undefined) continue
    const kind = step.stats.isDirectory() ? 'the folder' : step.stats.isSymbolicLink() ? 'the link' : 'the file'
    const what = step.path === file ? 'it' : `${kind} ${step.path}`
    throw new ImproperlyConfigured(
      `${file} is not used: ${what} ${problem}. It decides which code runs and where your keys are sent.`,
    )
  }
}

/** One name on the way to a file. */
interface Step {
  readonly path: string
  readonly stats: Stats
  /** Whether this folder contains the file, or a link to the file. */
  readonly isHolder: boolean
}

/** Returns the folders, the links and the file of a path, from the root on. */
function* stepsTo(file: string): Generator<Step> {
  let at = parse(file).root
  let rest = partsOf(file)
  let links = 0
  yield { path: at, stats: lstatSync(at), isHolder: rest.length === 1 }
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const path = join(at, name)
    const stats = lstatSync(path)
    yield { path, stats, isHolder: rest.length === 1 }
    if (!stats.isSymbolicLink()) {
      at = path
      continue
    }
    if (++links > MAX_LINKS) throw new ImproperlyConfigured(`${file} is not used: it is behind too many links.`)
    const target = readlinkSync(path)
    const absolute = resolve(at, target)
    rest = [...(isAbsolute(target) ? partsOf(absolute) : target.split(sep)), ...rest].filter(part => part !== '')
    if (isAbsolute(target)) at = parse(absolute).root
  }
}

function partsOf(path: string): string[] {
  return path.slice(parse(path).root.length).split(sep).filter(Boolean)
}

/** Returns what is wrong with the owner or the permissions, and the remedy. */
function problemOf({ path, stats, isHolder }: Step, user: number): string | undefined {
  const { uid, gid, mode } = stats
  if (uid !== user && uid !== 0) return `belongs to user ${uid}; if you trust it, take it over: chown ${user} '${path}'`
  if (stats.isSymbolicLink()) return undefined
  if (stats.isDirectory() && !isHolder && (mode & STICKY) !== 0) return undefined
  if ((mode & OTHERS_WRITE) !== 0) return `is writable by all users; fix it: chmod o-w '${path}'`
  if ((mode & GROUP_WRITE) !== 0 && !isOwnGroup(gid, user)) {
    return `is writable by group ${gid}; fix it: chmod g-w '${path}'`
  }
  return undefined
}

const ownGroups = new Map<number, boolean>()

/** Whether only this user, or root, is in a group: Debian and Fedora create a group of the same name for each user. */
function isOwnGroup(gid: number, user: number): boolean {
  const known = ownGroups.get(gid) ?? (gid === 0 || isPrivateGroup(gid, user))
  ownGroups.set(gid, known)
  return known
}

function isPrivateGroup(gid: number, user: number): boolean {
  try {
    const { username } = userInfo()
    const group = linesOf('/etc/group').find(([, , id]) => Number(id) === gid)
    const members = (group?.[3] ?? '').split(',').filter(name => name !== '' && name !== username)
    const others = linesOf('/etc/passwd').filter(([, , id, primary]) => Number(primary) === gid && Number(id) !== user)
    return group?.[0] === username && members.length === 0 && others.length === 0
  } catch {
    return false // There are no such lists, so the members are unknown.
  }
}

function linesOf(path: string): string[][] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .map(line => line.split(':'))
}
