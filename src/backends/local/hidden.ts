import { nodeCrypto } from '../../core/builtin.ts'
import { errnoOf } from '../../core/errno.ts'
import { ownerOf } from '../../core/hidden-names.ts'

const SIDECAR = /^\.holdall-[0-9a-f]{32}--?[0-9a-f]+-[0-9a-f]+\.meta$/
const CLAIM = /^\.holdall-[0-9a-f]{40}\.claim$/
/** The largest possible process id (pid_t). */
const MAX_PID = 0x7fff_ffff

/** Names of temporary files of uploads that this process continues, whichever process began them. */
export const heldUploads: Set<string> = new Set()

/** Whether a name has exactly the form of the storage's own names. A name that only resembles it is hidden but never removed. */
export function isOwnName(name: string): boolean {
  return ownerOf(name) !== undefined || SIDECAR.test(name) || CLAIM.test(name)
}

/** The name of a claim on one version of a file. */
export function claimName(base: string, etag: string): string {
  return `.holdall-${digest(`${base}\0${etag}`, 40)}.claim`
}

/** The common beginning of the names of a file's sidecars; the rest identifies the version. */
export function sidecarStem(base: string): string {
  return `.holdall-${digest(base, 32)}-`
}

/**
 * Whether a process of this machine is running. False for an impossible id: zero and negative ids address groups of processes. (kill(2))
 */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1 || pid > MAX_PID) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
}

function digest(text: string, length: number): string {
  return nodeCrypto().createHash('sha256').update(text).digest('hex').slice(0, length)
}
