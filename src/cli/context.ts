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
import { hasAlias, splitTarget } from './target.ts'

/** A place in a storage. */
export interface Target {
  readonly alias: string
  readonly storage: AnyStorage
  /** Name in the storage; '' is its root. */
  readonly path: string
}

/** Options of every command. */
export interface GlobalOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly dryRun?: boolean
  readonly config?: string
  readonly envFile?: string
  readonly verbose?: boolean
}

/** The command line is invalid: exit code 2. */
export class UsageError extends Error {
  static {
    UsageError.prototype.name = 'UsageError'
  }
}

/** The common state of the commands: options, output, abort signal, and the storages of the configuration. */
export class CliContext {
  readonly out: Output = new Output()
  readonly #program: Command
  readonly #abort = new AbortController()
  #loaded: Promise<LoadedConfig> | undefined
  #storages: Storages | undefined
  readonly #used = new Set<AnyStorage>()
  #isHinted = false
  #progressText: (() => string) | undefined
  /** The exit code of failures that are not thrown. */
  exitCode = 0

  constructor(program: Command) {
    this.#program = program
    this.out.wording = error => this.#worded(error)
  }

  /** The global options as they were passed. */
  get options(): GlobalOptions {
    return this.#program.opts<GlobalOptions>()
  }

  /** Fires when the program is stopped: on SIGINT and SIGTERM. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Stops everything in progress. */
  stop(reason: Error): void {
    this.#abort.abort(reason)
  }

  /** Sets the text that is reported when the command is interrupted: `812 of 2000 files copied`. */
  whenInterrupted(text: () => string): void {
    this.#progressText = text
  }

  /** The progress so far; undefined for a command that reports none. */
  get progressText(): string | undefined {
    return this.#progressText?.()
  }

  /** Reads the configuration at the first call and makes it that of the process. */
  async config(): Promise<LoadedConfig> {
    this.#loaded ??= this.#load()
    return this.#loaded
  }

  /** Runs work that reads the configuration. The message of an error in it begins with its file. */
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
   * Returns the place for `alias:path`; without an alias it is in the storage `default`. A path that is not written as a listing returns it
   * (`a//b`) is `suspicious_name`: in a bucket it is that of another file.
   */
  async target(text: string): Promise<Target> {
    const { alias, path, storage } = await this.#place(text)
    return { alias, path: storage.nameOf(storage.ref(path).key), storage }
  }

  /**
   * Like `target`, for a place to be written: the path is normalised. A path with a backslash is `suspicious_name`: a storage would make a
   * folder of it.
   */
  async destination(text: string): Promise<Target> {
    const { alias, path, storage } = await this.#place(text)
    refuseBackslash(path)
    return { alias, path: storage.nameOf(storage.keyOf(path)), storage }
  }

  /** Returns an error with the option names of the storages that the command uses. */
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
    if (!hasAlias(text) && text !== '' && storages.has(text)) {
      throw new UsageError(`'${text}' is a storage: write '${text}:' for it, or ':${text}' for this name in 'default'.`)
    }
    const { file } = await this.config()
    const storage = await this.configured(() => storages.get(alias))
    this.#used.add(storage)
    if (file === undefined && isCurrentFolder(storage) && !this.#isHinted) {
      this.#isHinted = true
      this.out.log(`no holdall.config.* here: '${alias}' is the folder 'media' here ('holdall init' writes one)`)
    }
    return { alias, path, storage }
  }

  /** Reports a local file that is skipped; a file that could not be read also sets the exit code. */
  readonly skipped: Skipped = (path, reason, isFailure) => {
    this.out.warn(`'${path}' is left out: ${reason}`)
    if (isFailure) this.exitCode = 1
  }

  /**
   * Processes one of several files: an error of this file only is printed, and the work continues. An error of a single file is thrown.
   * Returns whether it succeeded.
   */
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

/** Rejects a name with a backslash, which storages read as a slash: `suspicious_name`. */
export function refuseBackslash(name: string): void {
  if (!name.includes('\\')) return
  const text = `'${name}' has a backslash, of which the storage would make a folder; choose a name without it.`
  throw new StorageError('suspicious_name', text, { fileName: name })
}

/** Whether this is a local storage without a configured folder. */
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

/** Whether an error is about one file only. */
export function isOfOneFile({ code }: StorageError): boolean {
  return OF_ONE_FILE.has(code)
}

/** Returns the text of a place as commands accept it. */
export function shownTarget(alias: string, path: string): string {
  return `${alias}:${path}`
}
