/** Debian packages for the real servers; used only with REAL_SERVERS=1. */
import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Where Debian puts its daemons, which an ordinary user's PATH may lack. */
export const daemonPath: string = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', process.env['PATH'] ?? ''].join(delimiter)

/** Whether the suite may install and start the real servers. */
export const realServers: boolean = process.env['REAL_SERVERS'] === '1'

/** Whether a program can be found. */
export async function hasProgram(name: string): Promise<boolean> {
  for (const folder of daemonPath.split(delimiter)) {
    const found = await access(join(folder, name)).then(
      () => true,
      () => false,
    )
    if (found) return true
  }
  return false
}

let updated: Promise<unknown> | undefined

/** Runs apt-get with its lock waited for; as root, or through sudo. */
async function apt(parameters: readonly string[], timeoutMs: number): Promise<void> {
  const root = process.getuid?.() === 0
  const all = [...(root ? [] : ['sudo', '-n']), 'apt-get', '-o', 'DPkg::Lock::Timeout=300', '-q', ...parameters]
  const env = { ...process.env, PATH: daemonPath, DEBIAN_FRONTEND: 'noninteractive' }
  await run(all[0] as string, all.slice(1), { env, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 })
}

/** Installs the packages unless every program is there already; throws when that fails. */
export async function needPrograms(programs: readonly string[], packages: readonly string[]): Promise<void> {
  const found = await Promise.all(programs.map(hasProgram))
  if (found.every(Boolean)) return
  updated ??= apt(['update'], 180_000)
  await updated
  await apt(['install', '-y', '--no-install-recommends', ...packages], 600_000)
  for (const program of programs) {
    if (!(await hasProgram(program))) throw new Error(`${program} is missing after installing ${packages.join(' ')}`)
  }
}
