/** A project with static files, for tests of `collectstatic` and `findstatic`. */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { RECORD_NAME } from '../../src/static/record.ts'
import type { Child, Ended } from '../support/child.ts'
import { runCli, startCli } from './run-cli.ts'

/** A temporary folder with a configuration. Its files are collected from `src`, and from `lib` below `pre/`, into `out`. */
export class StaticSite implements AsyncDisposable {
  readonly dir: string

  private constructor(dir: string) {
    this.dir = dir
  }

  static async make(settings: object = {}): Promise<StaticSite> {
    const site = new StaticSite(await realpath(await mkdtemp(join(tmpdir(), 'holdall-static-'))))
    await site.configure(settings)
    for (const folder of ['src', 'lib']) await mkdir(join(site.dir, folder))
    return site
  }

  /** Writes the configuration; STORAGES is left to the defaults unless it is given. */
  async configure(settings: object): Promise<void> {
    const own = { STATIC_ROOT: 'out', STATIC_URL: '/static/', STATICFILES_DIRS: ['src', ['pre', 'lib']] }
    await this.write('holdall.config.json', JSON.stringify({ ...own, ...settings }))
  }

  async write(name: string, text = name): Promise<void> {
    await mkdir(dirname(this.path(name)), { recursive: true })
    await writeFile(this.path(name), text)
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  /** The files below a folder, with what they hold; what a run notes for the next one is left out. */
  async files(folder = 'out'): Promise<Record<string, string>> {
    const found: Record<string, string> = {}
    const all = await readdir(this.path(folder), { recursive: true, withFileTypes: true }).catch(() => [])
    for (const each of all) {
      const path = join(each.parentPath, each.name)
      if (!each.isDirectory() && each.name !== RECORD_NAME)
        found[path.slice(this.path(folder).length + 1)] = await readFile(path, 'utf8')
    }
    return found
  }

  /** The names of the files below a folder. */
  async names(folder = 'out'): Promise<string[]> {
    return Object.keys(await this.files(folder)).sort()
  }

  /** The entries of the manifest. */
  async manifest(): Promise<Record<string, string>> {
    return JSON.parse(await readFile(this.path('out/staticfiles.json'), 'utf8')).paths
  }

  /** Runs a command to its end, without a terminal. */
  run(...args: string[]): Promise<Ended> {
    return runCli(this.dir, args)
  }

  /** Starts a command. */
  start(...args: string[]): Child {
    return startCli(this.dir, args, { input: '' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.dir, { recursive: true, force: true })
  }
}

/** Settings with a manifest. */
export const MANIFEST = {
  STORAGES: { staticfiles: { BACKEND: 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage' } },
}
