/** Debian packages for the real servers; used only with REAL_SERVERS=1. */
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { Child, runChild } from '../support/child.ts'
import { retried } from '../support/retried.ts'

/** Where Debian puts its daemons, which an ordinary user's PATH may lack. */
export const daemonPath: string = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', process.env['PATH'] ?? ''].join(delimiter)

/** Whether the suite may install and start the real servers. */
export const realServers: boolean = process.env['REAL_SERVERS'] === '1'

/** Whether a program can be found. */
export async function hasProgram(name: string, path = daemonPath): Promise<boolean> {
  for (const folder of path.split(delimiter)) {
    const found = await access(join(folder, name)).then(
      () => true,
      () => false,
    )
    if (found) return true
  }
  return false
}

/** Downloads that stand still are given up after 60 s, and each is tried three times by apt itself. */
const PATIENCE = [
  'Acquire::Retries=3',
  'Acquire::http::Timeout=60',
  'Acquire::https::Timeout=60',
  'DPkg::Lock::Timeout=300',
]

/** Runs apt-get as root, or through sudo; one at a time, whatever process of the suite asks. */
async function apt(parameters: readonly string[], timeoutMs: number, path: string, cwd?: string): Promise<void> {
  const root = process.getuid?.() === 0
  const options = PATIENCE.flatMap(option => ['-o', option])
  const all = [...(root ? [] : ['sudo', '-n']), 'apt-get', ...options, '-q', ...parameters]
  const env = { ...process.env, PATH: path, DEBIAN_FRONTEND: 'noninteractive' }
  const turn = ['-w', '900', import.meta.filename, ...all]
  await runChild('flock', turn, { cwd, env, timeoutMs: 900_000 + timeoutMs })
}

/** Installs packages; three tries, each with fresh lists. */
async function install(packages: readonly string[], path: string): Promise<void> {
  await retried(`installing ${packages.join(' ')}`, 3, async () => {
    await apt(['update'], 180_000, path)
    await apt(['install', '-y', '--no-install-recommends', ...packages], 600_000, path)
  })
}

/** Installs the packages unless every program is there already; throws when that fails, with apt's own words. */
export async function needPrograms(
  programs: readonly string[],
  packages: readonly string[],
  path = daemonPath,
): Promise<void> {
  const found = await Promise.all(programs.map(name => hasProgram(name, path)))
  if (found.every(Boolean)) return
  await install(packages, path)
  for (const program of programs) {
    if (await hasProgram(program, path)) continue
    throw new Error(`${program} is missing after installing ${packages.join(' ')}`)
  }
}

/** Installs the packages that are not there yet, for libraries that have no program; throws when that fails. */
export async function needPackages(packages: readonly string[]): Promise<void> {
  if ((await missingOf(packages)).length === 0) return
  await install(packages, daemonPath)
  const [missing] = await missingOf(packages)
  if (missing !== undefined) throw new Error(`${missing} is missing after installing ${packages.join(' ')}`)
}

/** Those of the packages that are not installed. */
async function missingOf(packages: readonly string[]): Promise<string[]> {
  const env = { ...process.env, PATH: daemonPath }
  const words = ['-W', '-f', `\${Package} \${db:Status-Status}\\n`, ...packages]
  // It fails where it does not know a package, and prints the others all the same.
  const { stdout } = await new Child('dpkg-query', words, { env }).ended
  const installed = stdout.split('\n')
  return packages.filter(name => !installed.includes(`${name} installed`))
}

/** Where packages are unpacked that are not installed; a fresh install of the project's own packages empties it. */
const UNPACKED = join(import.meta.dirname, '../../node_modules/.cache/debian')

/**
 * The folder in which the packages are unpacked, for servers that exclude one another or whose installation would make users and start
 * daemons. Three tries, the later ones with fresh lists; throws when that fails, with apt's own words.
 */
export async function unpackedPackages(packages: readonly string[], path = daemonPath): Promise<string> {
  const folder = join(UNPACKED, packages[0]!)
  if (await hasFolder(folder)) return folder
  await mkdir(UNPACKED, { recursive: true })
  await retried(`unpacking ${packages.join(' ')}`, 3, async attempt => {
    if (attempt > 1) await apt(['update'], 180_000, path)
    const made = await mkdtemp(join(UNPACKED, '.new-'))
    try {
      await apt(['download', ...packages], 600_000, path, made)
      for (const file of (await readdir(made)).filter(name => name.endsWith('.deb'))) {
        await runChild('dpkg-deb', ['-x', join(made, file), join(made, 'root')])
      }
      // Two test files may do this at once: the first one's folder stays.
      if (!(await hasFolder(folder))) await rename(join(made, 'root'), folder)
    } finally {
      await rm(made, { recursive: true, force: true })
    }
  })
  return folder
}

async function hasFolder(folder: string): Promise<boolean> {
  return access(folder).then(
    () => true,
    () => false,
  )
}
