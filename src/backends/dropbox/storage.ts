import type { CallOptions } from '../../core/call.ts'
import type { Driver, WriteOptions } from '../../core/driver.ts'
import { isStorageError, StorageError } from '../../core/errors.ts'
import { kindOf } from '../../core/kind.ts'
import { CALL_OPTIONS, checkCallOptions, checkKnownOptions, type KnownOptions } from '../../core/known-options.ts'
import { trimTrailingSlashes } from '../../core/names.ts'
import type { Input, ResolvedSettings, SettingsOf } from '../../core/settings.ts'
import { httpClientOf } from '../../remote/http-client.ts'
import { nameIn } from '../../storage/entry-keys.ts'
import { Storage } from '../../storage/storage.ts'
import type {
  EntriesOptions,
  Entry,
  Feature,
  GivenSettings,
  NameOrEntry,
  Services,
  UrlOptions,
  UrlSigning,
} from '../../storage/types.ts'
import { dropboxAdvice } from './advice.ts'
import type { Relocation, Verb } from './copying.ts'
import { DropboxDriver } from './driver.ts'
import { distinctEntries } from './entries.ts'
import { checkLinkLife, LINK_SECS } from './links.ts'
import { checkKey, MAX_PART } from './names.ts'
import { type DropboxOptions, dropboxSettings, withRoot } from './settings.ts'
import { checkTokens } from './tokens.ts'

/** A file or folder to copy or move, and its new name. */
export interface RelocatedName {
  readonly from: NameOrEntry
  readonly to: string
}

/** The result of one of many copies or moves. */
export interface RelocationResult {
  readonly from: string
  readonly to: string
  readonly error?: StorageError | undefined
}

/** Options of a link for an upload. */
export interface UploadUrlOptions extends CallOptions, Pick<WriteOptions, 'extra'> {
  /** Lifetime of the link in seconds, from 60 to 14,400. Default: 14,400, which is 4 hours. */
  readonly expiresInSecs?: number | undefined
  /** Overrides the option `fileOverwrite`. */
  readonly overwrite?: boolean | undefined
}

const UPLOAD_URL_OPTIONS: KnownOptions<UploadUrlOptions> = {
  ...CALL_OPTIONS,
  extra: true,
  expiresInSecs: true,
  overwrite: true,
}

/** Files in Dropbox. */
export class DropboxStorage<O extends DropboxOptions = DropboxOptions> extends Storage<O> {
  static override readonly settings: SettingsOf<DropboxOptions> = dropboxSettings
  static override readonly backendName: string = 'dropbox'

  static override refineOptions<T>(found: ResolvedSettings<T>): ResolvedSettings<T> {
    return withRoot(found)
  }

  /** A token that expires, and settings without effect. */
  static override advice(given: GivenSettings): readonly string[] {
    return dropboxAdvice(given)
  }

  /** Checks the options without the network. Code `improperly_configured` without a token. */
  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    checkTokens(this.options)
  }

  protected override connect(options: Readonly<O>, services: Services): Driver {
    return new DropboxDriver({ ...options, httpClient: httpClientOf(options, services) })
  }

  override supports(feature: Feature): boolean {
    // Links need requests of the storage, so the driver alone has none.
    return feature === 'signedUrl' ? this.calls.driver instanceof DropboxDriver : super.supports(feature)
  }

  /** Code `suspicious_name` for a name that Dropbox refuses or changes. The name of a folder may end in its slash. */
  override keyOf(name: string): string {
    const key = super.keyOf(name)
    if (!this.isRoot(key)) checkKey(trimTrailingSlashes(key), name)
    return key
  }

  override get maxPartBytes(): number {
    return MAX_PART
  }

  override entries(path = '', options: EntriesOptions = {}): AsyncGenerator<Entry, void, undefined> {
    return distinctEntries(() => super.entries(path, options))
  }

  protected override unsignedRemedy(): string | undefined {
    return undefined
  }

  protected override get urlLifeSecs(): number {
    return LINK_SECS
  }

  override get urlSigning(): UrlSigning {
    return { remedy: 'use another backend: Dropbox has links for single files only' }
  }

  /**
   * A link to the bytes of a file, valid for 4 hours, or a permanent one with `sharedLinks`; each call sends a request. Missing:
   * `not_found`. Dropbox fixes the lifetime of its links and the headers of their answers. Code `unsupported` for an `expiresInSecs` other
   * than 14,400, and for other options.
   */
  override async url(given: NameOrEntry, options: UrlOptions = {}): Promise<string> {
    this.checkUrl(given, options)
    const { signal, method = 'GET', expiresInSecs, ...rest } = options
    const name = nameIn(given)
    this.calls.begin('url', name, options)
    const refuse = (text: string) => {
      throw new StorageError('unsupported', text, { fileName: name, operation: 'url' })
    }
    if (method !== 'GET' && method !== 'HEAD')
      refuse(`Dropbox has no links for ${method}: uploadUrl() returns one for POST.`)
    if (expiresInSecs !== undefined && expiresInSecs !== LINK_SECS)
      refuse(`A link of Dropbox lives ${LINK_SECS} seconds (4 hours), not ${expiresInSecs}.`)
    const other = Object.entries(rest).find(([, value]) => value !== undefined)?.[0]
    if (other !== undefined) refuse(`A link of Dropbox cannot have '${other}'.`)
    const ref = this.calls.checked('url', name, () => this.fileRef(given))
    const isShared = this.options.sharedLinks && expiresInSecs === undefined
    const driver = this.#dropbox()
    return this.calls.run('url', ref, { signal }, ctx => driver.link(ref.key, isShared, ctx))
  }

  /**
   * A link to which anyone can POST the bytes of a new file as `application/octet-stream`, once. Without overwriting, the POST is refused
   * if the name exists.
   */
  async uploadUrl(name: string, options: UploadUrlOptions = {}): Promise<string> {
    checkKnownOptions('uploadUrl', options, UPLOAD_URL_OPTIONS)
    const { signal, expiresInSecs = LINK_SECS, overwrite = this.options.fileOverwrite, extra } = options
    this.calls.begin('uploadUrl', name, options, true)
    const secs = this.calls.checked('uploadUrl', name, () => checkLinkLife(expiresInSecs))
    const ref = this.calls.checked('uploadUrl', name, () => this.newRef(name))
    const driver = this.#dropbox()
    return this.calls.run('uploadUrl', ref, { signal }, ctx =>
      driver.uploadLink(ref.key, secs, { ifAbsent: !overwrite, extra }, ctx),
    )
  }

  /** Copies many files, and folders with their contents, in batches. Each pair has its own result; an existing name is `exists`. */
  async copyMany(pairs: Iterable<RelocatedName>, options: CallOptions = {}): Promise<RelocationResult[]> {
    return this.#relocate('copy', pairs, options)
  }

  /** Moves many files, and folders with their contents, in batches. Each pair has its own result; an existing name is `exists`. */
  async moveMany(pairs: Iterable<RelocatedName>, options: CallOptions = {}): Promise<RelocationResult[]> {
    return this.#relocate('move', pairs, options)
  }

  async #relocate(verb: Verb, pairs: Iterable<RelocatedName>, options: CallOptions): Promise<RelocationResult[]> {
    const operation = `${verb}Many`
    checkCallOptions(operation, options)
    this.calls.begin(operation, undefined, options, true)
    if (typeof pairs !== 'object' || pairs === null || !(Symbol.iterator in pairs)) {
      throw new StorageError('invalid_argument', `${operation}: expected a list of pairs, got ${kindOf(pairs)}.`)
    }
    const all = this.calls.checked(operation, '', () => Array.from(pairs, pair => this.#relocation(pair)))
    const sound = all.filter(({ keys }) => keys !== undefined)
    const driver = this.#dropbox()
    // Each batch has its own retries: earlier batches are already done.
    const errors = await this.calls.run(operation, undefined, { ...options, repeat: false }, ctx =>
      driver.relocateMany(
        verb,
        sound.map(({ keys }) => keys!),
        ctx,
      ),
    )
    const failures = new Map(sound.map((one, at) => [one, errors[at]]))
    return all.map(one => {
      const { from, to, error = failures.get(one) } = one
      return error === undefined ? { from, to } : { from, to, error: this.calls.failure(error, verb, from) }
    })
  }

  /** A pair with its keys, or with the error of a name that Dropbox refuses. */
  #relocation({ from, to }: RelocatedName): RelocationResult & { readonly keys?: Relocation } {
    try {
      const [source, target] = [this.ref(from), this.newRef(to)]
      return { from: source.name, to: target.name, keys: { from: source.key, to: target.key } }
    } catch (error) {
      if (!isStorageError(error, 'suspicious_name')) throw error
      return { from: nameIn(from), to, error }
    }
  }

  #dropbox(): DropboxDriver {
    const { driver } = this.calls
    if (driver instanceof DropboxDriver) return driver
    throw new StorageError('unsupported', 'This needs the driver of Dropbox.')
  }
}
