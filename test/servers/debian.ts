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

/** Runs apt-get as root, or through sudo; one at a time, whatever process of the suite asks. */
async function apt(parameters: readonly string[], timeoutMs: number): Promise<void> {
  const root = process.getuid?.() === 0
  const all = [...(root ? [] : ['sudo', '-n']), 'apt-get', '-o', 'DPkg::Lock::Timeout=300', '-q', ...parameters]
  const env = { ...process.env, PATH: daemonPath, DEBIAN_FRONTEND: 'noninteractive' }
  const turn = ['-w', '900', import.meta.filename, ...all]
  await run('flock', turn, { env, timeout: 900_000 + timeoutMs, maxBuffer: 64 * 1024 * 1024 })
}

async function install(packages: readonly string[]): Promise<void> {
  updated ??= apt(['update'], 180_000)
  await updated
  await apt(['install', '-y', '--no-install-recommends', ...packages], 600_000)
}

/** Installs the packages unless every program is there already; throws when that fails. */
export async function needPrograms(programs: readonly string[], packages: readonly string[]): Promise<void> {
  const found = await Promise.all(programs.map(hasProgram))
  if (found.every(Boolean)) return
  await install(packages)
  for (const program of programs) {
    if (!(await hasProgram(program))) throw new Error(`${program} is missing after installing ${packages.join(' ')}`)
  }
}

/** Installs the packages that are not there yet, for libraries that have no program; throws when that fails. */
export async function needPackages(packages: readonly string[]): Promise<void> {
  const found = await Promise.all(packages.map(isInstalled))
  if (found.every(Boolean)) return
  await install(packages)
  for (const name of packages) {
    if (!(await isInstalled(name))) throw new Error(`${name} is missing after installing ${packages.join(' ')}`)
  }
}

async function isInstalled(name: string): Promise<boolean> {
  const asked = run('dpkg-query', ['-s', name], { env: { ...process.env, PATH: daemonPath } })
  return asked.then(
    ({ stdout }) => stdout.includes('\nStatus: install ok installed\n'),
    () => false,
  )
}
