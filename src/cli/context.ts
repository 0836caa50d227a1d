import type { Command } from 'commander'
import type { LoadedConfig } from '../config/load.ts'
import type { Storages } from '../config/storages.ts'
import type { Storage } from '../storage/storage.ts'
import { Output } from './output.ts'
import { hasAlias, splitTarget } from './target.ts'

// biome-ignore lint/suspicious/noExplicitAny: an alias may be any backend
export type AnyStorage = Storage<any>

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
  /** What a command found wrong without throwing. */
  exitCode = 0

  constructor(program: Command) {
    this.#program = program
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

  /** Reads the configuration at the first call and makes it the process's. */
  async config(): Promise<LoadedConfig> {
    this.#loaded ??= import('../config/load.ts').then(({ loadAndConfigure }) =>
      loadAndConfigure({ file: this.options.config }),
    )
    return this.#loaded
  }

  /** The storages of the configuration. */
  async storages(): Promise<Storages> {
    await this.config()
    this.#storages = (await import('../config/storages.ts')).storages
    return this.#storages
  }

  /** The place that `alias:path` names; without an alias it is in the storage `default`. */
  async target(text: string): Promise<Target> {
    const { alias, path } = splitTarget(text)
    return { alias, path, storage: (await this.storages()).get(alias) }
  }

  /** Ends connections. */
  async close(): Promise<void> {
    await this.#storages?.closeAll()
  }
}

/** The text of a place, as commands take it. */
export function shownTarget(alias: string, path: string): string {
  return `${alias}:${path}`
}

export { hasAlias }
