import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { runChild } from './child.ts'

const ROOT = join(import.meta.dirname, '../..')
const INSTALL_MS = 400_000

/** What a command printed; one that failed fails the test with its messages. */
export function done({ status, stdout, stderr, error }: SpawnSyncReturns<string>): string {
  expect({ status, error }, `${stdout}\n${stderr}`).toEqual({ status: 0, error: undefined })
  return stdout
}

/** Puts the package into a project as npm would: the files of the tarball, beside the declared dependencies only. Returns its folder. */
export function installPackage(project: string): string {
  const installed = join(project, 'node_modules/holdall')
  mkdirSync(installed, { recursive: true })
  done(spawnSync(process.execPath, ['scripts/build.ts'], { cwd: ROOT, encoding: 'utf8' }))
  const packing = ['pack', '--ignore-scripts', '--json', '--offline', '--pack-destination', project]
  const packed = done(spawnSync('npm', packing, { cwd: ROOT, encoding: 'utf8' }))
  const tarball = join(project, /"filename":\s*"([^"]+)"/.exec(packed)![1]!)
  done(spawnSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed], { encoding: 'utf8' }))
  rmSync(tarball)
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    cpSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name), { recursive: true })
  }
  return installed
}

/** Makes a package of the development dependencies one of the project. */
export function linkPackage(project: string, name: string): void {
  const link = join(project, 'node_modules', name)
  mkdirSync(join(link, '..'), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules', name), link)
}

/** Makes the ORMs and frameworks that adapters import when they are loaded packages of the project, as a program has them that uses an adapter. */
export function linkOrms(project: string): void {
  for (const name of ['drizzle-orm', '@mikro-orm/core', 'kysely', 'mongoose', '@nestjs/common']) {
    linkPackage(project, name)
  }
}

/** A copy of a folder of `test` outside the project, with the packages of its lock file installed. A registry that stalls is asked three times. */
export function installedCopy(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), `holdall-${folder}-`))
  cpSync(join(ROOT, 'test', folder), copy, { recursive: true })
  const options = { cwd: copy, encoding: 'utf8', timeout: INSTALL_MS } as const
  const install = (): SpawnSyncReturns<string> => spawnSync('npm', ['ci', '--no-fund', '--no-audit'], options)
  for (let tries = 1; tries < 3; tries++) if (install().status === 0) return copy
  done(install())
  return copy
}

/** A folder with a lock file, after its packages were installed in it. That is done once for each lock file; no program of a package runs. */
export function installedInPlace(folder: string): string {
  const [lock, installed] = [join(folder, 'package-lock.json'), join(folder, 'node_modules')]
  const stamp = join(installed, '.installed-lock.json')
  const isCurrent = (): boolean => existsSync(stamp) && readFileSync(stamp).equals(readFileSync(lock))
  if (isCurrent()) return folder
  // Two test files may do this at once: each installs beside it, and the first one's folder stays.
  const copy = mkdtempSync(join(folder, '.install-'))
  try {
    for (const name of ['package.json', 'package-lock.json']) cpSync(join(folder, name), join(copy, name))
    const words = ['ci', '--ignore-scripts', '--no-fund', '--no-audit']
    const options = { cwd: copy, encoding: 'utf8', timeout: INSTALL_MS } as const
    const first = spawnSync('npm', words, options)
    if (first.status !== 0) done(spawnSync('npm', words, options))
    cpSync(lock, join(copy, 'node_modules/.installed-lock.json'))
    if (isCurrent()) return folder
    if (existsSync(installed)) renameSync(installed, join(copy, 'former'))
    renameSync(join(copy, 'node_modules'), installed)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
  return folder
}

/** How a command is run. */
export interface Running {
  readonly cwd: string
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** In place of the environment of this process. */
  readonly only?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** Runs a command while this process goes on (it may be the server) and returns what it printed; one that failed fails the test. */
export async function output(command: string, args: readonly string[], options: Running): Promise<string> {
  const { cwd, env, only, timeoutMs = 120_000 } = options
  const variables = only ?? { ...process.env, ...env }
  return (await runChild(command, args, { cwd, env: variables, timeoutMs })).stdout
}
