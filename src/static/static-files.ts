import { onAbort } from '../core/abort.ts'
import type { CallOptions } from '../core/call.ts'
import { ImproperlyConfigured, StorageError } from '../core/errors.ts'
import { globMatcher } from '../core/globs.ts'
import { checkCallOptions } from '../core/known-options.ts'
import { EMPTY_MANIFEST, parseManifest, type StaticManifest, splitSuffix, storedName } from '../core/static-manifest.ts'
import { filepathToUri, withSlash } from '../core/urls.ts'
import type { AnyStorage } from '../storage/storage.ts'
import { type BaseUrl, baseUrlOf } from './base-url.ts'
import { Channel } from './channel.ts'
import { checkCollectOptions, checkedOptions } from './checked-options.ts'
import { collectAll } from './collect-all.ts'
import { compressPlan } from './compress.ts'
import { HeaderRules } from './headers.ts'
import { DEFAULT_IGNORE, ignorePatterns } from './ignore.ts'
import { type ManifestPlan, manifestPlan, type StaticFilesOptions } from './options.ts'
import { RunReport } from './report.ts'
import type { RunPlan } from './run-plan.ts'
import { readText } from './target.ts'
import type { CollectEvent, CollectOptions, CollectSummary, Finder, StaticFile } from './types.ts'

/**
 * The static files of a site: their sources, their target, and their URLs.
 * @example
 * const files = new StaticFiles({ storage, finders: [new FolderFinder(['./assets'])], manifest: true })
 * for await (const event of files.collect()) if (event.type === 'failed') console.error(event.error.message)
 * await files.load()
 * files.url('css/site.css') // /static/css/site.2ee5a7e3dd1f.css
 */
export class StaticFiles {
  readonly options: StaticFilesOptions
  readonly #plan: ManifestPlan | undefined
  #manifest: StaticManifest | undefined
  #immutable: ReadonlySet<string> = new Set()
  #base: BaseUrl | undefined

  constructor(options: StaticFilesOptions) {
    this.options = checkedOptions(options)
    this.#plan = manifestPlan(this.options)
  }

  /** The target storage. */
  get storage(): AnyStorage {
    return this.options.storage
  }

  /** The sources, in the order of precedence. */
  get finders(): readonly Finder[] {
    return this.options.finders
  }

  /**
   * Reads the manifest, and determines the prefix of the URLs. Call it before `url`, and again after a new deploy. A missing manifest has
   * no entries; a damaged one is `improperly_configured`.
   */
  async load(options: CallOptions = {}): Promise<this> {
    checkCallOptions('load', options)
    this.#base = await this.#baseUrl()
    if (this.#plan === undefined) return this
    const { storage, name } = this.#plan
    const text = await readText(storage, name, options)
    this.#manifest = text === '' ? EMPTY_MANIFEST : parseManifest(text, name)
    const hashed = [...this.#manifest.paths].filter(([plain, stored]) => plain !== stored && !this.#isBuilt(stored))
    this.#immutable = new Set(hashed.map(([, stored]) => stored))
    return this
  }

  /**
   * Returns the URL of a file, synchronously: with its hash if there is a manifest. A query and a fragment are kept, and a folder's name
   * (`css/`) has no hash. A name that is not in the manifest is `not_found`, unless `strictUrls` is off. Before `load` it is
   * `improperly_configured`, and also for a storage that signs its URLs.
   */
  url(name: string): string {
    const base = this.#base
    if (base === undefined) {
      throw new ImproperlyConfigured(
        'The URLs of static files are not known yet: await load() of the StaticFiles first.',
      )
    }
    if (base.url === undefined) {
      throw new ImproperlyConfigured(
        `Static files need public URLs, and ${this.storage.constructor.name} has none: ${base.problem}; or set baseUrl.`,
      )
    }
    const [path, suffix] = splitSuffix(this.#stored(name))
    return base.url + filepathToUri(path).replace(/^\/+/, '') + suffix
  }

  /** Whether a name in the target changes with its content, according to the manifest: caches may keep such a file indefinitely. */
  isImmutable(storedAs: string): boolean {
    return (
      this.#immutable.has(storedAs) || this.#bundles.some(({ immutable, files }) => immutable && files.has(storedAs))
    )
  }

  /** Returns the source of a name; undefined where no finder has it. */
  async find(name: string): Promise<StaticFile | undefined> {
    for (const finder of this.finders) {
      const [first] = await finder.find(name)
      if (first !== undefined) return first
    }
    return undefined
  }

  /** Returns all sources of a name, in the order of precedence: the first one is collected. */
  async findAll(name: string): Promise<readonly StaticFile[]> {
    const found = await Promise.all(this.finders.map(finder => finder.find(name)))
    return found.flat()
  }

  /**
   * Collects all files into the target, and yields events; the last one is the summary. A file that fails is an event `failed`; the others
   * are still collected, and the manifest does not change: see `failed` of the summary. Errors of the whole target are thrown. Ending the
   * iteration early ends the run.
   */
  async *collect(options: CollectOptions = {}): AsyncGenerator<CollectEvent, CollectSummary, undefined> {
    checkCollectOptions(options)
    this.storage.calls.begin('collect', undefined, options)
    const channel = new Channel<CollectEvent>()
    const stop = new AbortController()
    const unlink =
      options.signal === undefined ? undefined : onAbort(options.signal, () => stop.abort(options.signal!.reason))
    const report = new RunReport(channel, options.dryRun === true)
    const run = this.#run(report, options, stop.signal).then(
      () => channel.end(),
      (error: unknown) =>
        channel.end({ error: this.storage.calls.failure(error, 'collect', undefined, options.signal) }),
    )
    try {
      yield* channel
      const summary = report.summary(this.storage.supports('path') ? this.storage.path('') : undefined)
      yield summary
      return summary
    } finally {
      unlink?.()
      stop.abort(new StorageError('aborted', 'The run was ended before its end.'))
      await run
    }
  }

  async #run(report: RunReport, options: CollectOptions, signal: AbortSignal): Promise<void> {
    const { storage, finders, headers = {}, ignore = [], bundles = [] } = this.options
    const patterns = [...ignore, ...(options.ignore ?? []), ...(options.defaultIgnore === false ? [] : DEFAULT_IGNORE)]
    const base = await this.#baseUrl()
    const manifest = options.postProcess === false ? undefined : this.#plan
    if (base.isSigned)
      report.warning(`static files need public URLs, and ${storage.constructor.name} has none: ${base.problem}`)
    const plan: RunPlan = {
      storage,
      finders,
      isIgnored: ignorePatterns(patterns),
      baseUrls: [base.url ?? '', ...(this.options.rootUrls ?? []).map(asBase)],
      manifest,
      compress: compressPlan(this.options),
      rules: new HeaderRules(storage, headers, globMatcher),
      bundled: new Map(bundles.flatMap(({ paths }) => [...paths])),
      built: new Map(bundles.flatMap(({ files, immutable }) => [...files].map(file => [file, immutable] as const))),
      isLenient: globMatcher(manifest?.lenientFor ?? []),
      signal,
      options,
    }
    try {
      await collectAll(plan, report)
    } finally {
      // The storage's own URLs use the new names from now on.
      storage.staticFiles?.manifest?.forget()
    }
  }

  async #baseUrl(): Promise<BaseUrl> {
    const { baseUrl, storage } = this.options
    return baseUrl === undefined ? baseUrlOf(storage) : { url: asBase(baseUrl), problem: undefined, isSigned: false }
  }

  get #bundles(): NonNullable<StaticFilesOptions['bundles']> {
    return this.options.bundles ?? []
  }

  #isBuilt(name: string): boolean {
    return this.#bundles.some(({ files }) => files.has(name))
  }

  #stored(name: string): string {
    if (this.options.debug === true) return name
    for (const { paths } of this.#bundles) {
      const built = paths.get(name)
      if (built !== undefined) return built
    }
    return this.#plan === undefined ? name : storedName(this.#manifest!, name, this.#plan.strictUrls)
  }
}

/** Returns the prefix of the URLs; '' where the names are the URLs. */
function asBase(url: string): string {
  return url === '' ? url : withSlash(url)
}
