import { nodeCrypto } from '../../core/builtin.ts'
import { errnoOf } from '../../core/errno.ts'
import { ownerOf } from '../../core/hidden-names.ts'

const SIDECAR = /^\.holdall-[0-9a-f]{32}--?[0-9a-f]+-[0-9a-f]+\.meta$/
const CLAIM = /^\.holdall-[0-9a-f]{40}\.claim$/
/** The largest number that a process can have (pid_t). */
const MAX_PID = 0x7fff_ffff

/** Names of temporary files of uploads that this process goes on with, whichever process has begun them. */
export const heldUploads: Set<string> = new Set()

/** Whether a name is exactly of a form that the storage makes. What only resembles one is hidden and never removed. */
export function isOwnName(name: string): boolean {
  return ownerOf(name) !== undefined || SIDECAR.test(name) || CLAIM.test(name)
}

/** The name of a claim on one version of a file. */
export function claimName(base: string, etag: string): string {
  return `.holdall-${digest(`${base}\0${etag}`, 40)}.claim`
}

/** What the names of a file's sidecars begin with; the rest tells the version. */
export function sidecarStem(base: string): string {
  return `.holdall-${digest(base, 32)}-`
}

/** Whether a process of this machine runs. A number that no process can have is none: zero and less address groups of processes. (kill(2)) */
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
