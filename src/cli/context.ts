import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { LoadedConfig } from '../config/load.ts'
import type { Storages } from '../config/storages.ts'
import { type ErrorCode, ImproperlyConfigured, isStorageError, StorageError } from '../core/errors.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { watchModules } from './configured-modules.ts'
import type { Skipped } from './local-files.ts'
import { Output, printable } from './output.ts'
import { explained } from './place-advice.ts'
import { splitTarget } from './target.ts'

/** A place in a storage. */
export interface Target {
  readonly alias: string
  readonly storage: AnyStorage
  /** Name in the storage; '' is its root. */
  readonly path: string
}

/** What every command may be given. */
export interface GlobalOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly dryRun?: boolean
  readonly config?: string
  readonly envFile?: string
  readonly verbose?: boolean
}

/** The command line was not understood: exit code 2. */
export class UsageError extends Error {
  static {
    UsageError.prototype.name = 'UsageError'
  }
}

/** What the commands share: options, output, the way to stop, and the storages of the configuration. */
export class CliContext {
  readonly out: Output = new Output()
  readonly #program: Command
  readonly #abort = new AbortController()
  #loaded: Promise<LoadedConfig> | undefined
  #storages: Storages | undefined
  readonly #used = new Set<AnyStorage>()
  #isHinted = false
  #progressText: (() => string) | undefined
  /** What a command found wrong without throwing. */
  exitCode = 0

  constructor(program: Command) {
    this.#program = program
    this.out.wording = error => this.#worded(error)
  }

  /** The global options as they were given. */
  get options(): GlobalOptions {
    return this.#program.opts<GlobalOptions>()
  }

  /** Ends with the program: on SIGINT and SIGTERM. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Asks everything under way to stop. */
  stop(reason: Error): void {
    this.#abort.abort(reason)
  }

  /** Declares what is reported when the command is interrupted: `812 of 2000 files copied`. */
  whenInterrupted(text: () => string): void {
    this.#progressText = text
  }

  /** What was done so far; undefined for a command that reports nothing. */
  get progressText(): string | undefined {
    return this.#progressText?.()
  }

  /** Reads the configuration at the first call and makes it the process's. */
  async config(): Promise<LoadedConfig> {
    this.#loaded ??= this.#load()
    return this.#loaded
  }

  /** Runs what reads the configuration. An error in it begins with the file that it is in. */
  async configured<T>(work: () => T | Promise<T>): Promise<T> {
    const { file } = await this.config()
    try {
      return await work()
    } catch (cause) {
      if (!(cause instanceof ImproperlyConfigured) || file === undefined) throw cause
      throw new ImproperlyConfigured(`${file}: ${cause.message}`, { cause })
    }
  }

  async #load(): Promise<LoadedConfig> {
    const { loadAndConfigure } = await import('../config/index.ts')
    watchModules()
    const { config, envFile, verbose } = this.options
    const loaded = await loadAndConfigure({ file: config, envFile, onlyOwn: true })
    if (verbose === true) {
      this.out.log(`configuration: ${printable(loaded.file ?? 'none')}`)
      this.out.log(`environment file: ${printable(loaded.envFile ?? 'none')}`)
    }
    if (loaded.file === undefined && loaded.envFile === undefined && existsSync('.env')) {
      this.out.log("the .env here is not read: there is no configuration beside it ('--env-file .env' reads it)")
    }
    return loaded
  }

  /** The storages of the configuration. */
  async storages(): Promise<Storages> {
    await this.config()
    this.#storages = (await import('../config/index.ts')).storages
    return this.#storages
  }

  /**
   * The place that `alias:path` names; without an alias it is in the storage `default`. A path that is written otherwise than a listing shows it
   * (`a//b`) is `suspicious_name`: in a bucket it is that of another file.
   */
  async target(text: string): Promise<Target> {
    const { alias, path, storage } = await this.#place(text)
    return { alias, path: storage.nameOf(storage.ref(path).key), storage }
  }

  /**
   * The same for what is to be written: the path is brought into its normal form. One with a backslash is `suspicious_name`: a storage would make
   * a folder of it.
   */
  async destination(text: string): Promise<Target> {
    const { alias, path, storage } = await this.#place(text)
    refuseBackslash(path)
    return { alias, path: storage.nameOf(storage.keyOf(path)), storage }
  }

  /** An error in the words of the storages that the command works with. */
  #worded(error: unknown): unknown {
    let worded = error
    for (const storage of this.#used) {
      const isIts = isStorageError(error) && (error.backend ?? storage.calls.driver.name) === storage.calls.driver.name
      if (isIts) worded = explained(storage, worded)
    }
    return worded
  }

  async #place(text: string): Promise<Target> {
    const { alias, path } = splitTarget(text)
    const storages = await this.storages()
    const { file } = await this.config()
    const storage = await this.configured(() => storages.get(alias))
    this.#used.add(storage)
    if (file === undefined && isCurrentFolder(storage) && !this.#isHinted) {
      this.#isHinted = true
      this.out.log(`no holdall.config.* here: '${alias}' is the folder 'media' here ('holdall init' writes one)`)
    }
    return { alias, path, storage }
  }

  /** Tells of a local file that is left out; of one that could not be read also by the exit code. */
  readonly skipped: Skipped = (path, reason, isFailure) => {
    this.out.warn(`'${path}' is left out: ${reason}`)
    if (isFailure) this.exitCode = 1
  }

  /** Works on one file of several: an error that is only this file's is printed, and the work goes on. Alone it is thrown. Returns whether it succeeded. */
  async attempt(work: () => Promise<void>, several = true): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!several || !isStorageError(error) || !isOfOneFile(error)) throw error
      this.out.error(error)
      this.exitCode = 1
      return false
    }
  }

  /** Ends connections. */
  async close(): Promise<void> {
    await this.#storages?.closeAll()
  }
}

/** Refuses a name with a backslash, which storages read as a slash: `suspicious_name`. */
export function refuseBackslash(name: string): void {
  if (!name.includes('\\')) return
  const text = `'${name}' has a backslash, of which the storage would make a folder; choose a name without it.`
  throw new StorageError('suspicious_name', text, { fileName: name })
}

/** Whether this is a local storage that nobody gave a folder. */
export function isCurrentFolder(storage: AnyStorage): boolean {
  return storage.supports('path') && storage.origins['location']?.from === 'default'
}

const OF_ONE_FILE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'not_found',
  'exists',
  'is_directory',
  'not_a_directory',
  'suspicious_name',
  'invalid_argument',
  'too_large',
  'precondition_failed',
  'checksum_mismatch',
])

/** Whether an error says nothing of other files. */
export function isOfOneFile({ code }: StorageError): boolean {
  return OF_ONE_FILE.has(code)
}

/** The text of a place, as commands take it. */
export function shownTarget(alias: string, path: string): string {
  return `${alias}:${path}`
}
