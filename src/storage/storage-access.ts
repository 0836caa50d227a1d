import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { checkSeconds } from '../core/urls.ts'
import { URL_OPTIONS } from './call-options.ts'
import type { CommonOptions } from './common-settings.ts'
import { nameIn } from './entry-keys.ts'
import { StorageReader } from './storage-reader.ts'
import type { NameOrEntry, UrlOptions, UrlSigning } from './types.ts'
import { unsignedUrl, urlOf } from './url.ts'

/** The methods of `Storage` by which others get at files: URLs and what they allow. */
export abstract class StorageAccess<O extends CommonOptions = CommonOptions> extends StorageReader<O> {
  /**
   * A URL at which the file can be fetched: signed where the backend and its settings sign, else public. With `expiresInSecs` it is always signed, or
   * `unsupported`. Whether the file exists is not asked.
   * @example
   * const link = await storage.url('report.pdf', { expiresInSecs: 600 })
   */
  async url(name: NameOrEntry, options: UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    return urlOf(this, name, { ...options, expiresInSecs: options.expiresInSecs ?? this.urlLifeSecs })
  }

  /** The options of `url`; a backend that has more of them overrides it. */
  protected get urlOptions(): KnownOptions<UrlOptions> {
    return URL_OPTIONS
  }

  /**
   * Refuses an unknown option, a life that is no whole number of seconds (`invalid_argument`), and a life of a URL that would not be signed
   * (`unsupported`). Every override of `url` calls it first.
   */
  protected checkUrl(name: NameOrEntry, options: UrlOptions): void {
    checkKnownOptions('url', options, this.urlOptions)
    const { expiresInSecs } = options
    if (expiresInSecs === undefined) return
    checkSeconds(expiresInSecs)
    const remedy = this.unsignedRemedy(nameIn(name), options)
    if (remedy !== undefined) throw unsignedUrl(nameIn(name), remedy)
  }

  /** What to set so that the URL of a file is signed, as the end of a sentence; undefined where it is signed with these options. */
  protected unsignedRemedy(_name: string, _options: UrlOptions): string | undefined {
    const { driver } = this.calls
    return driver.signUrl === undefined ? `the backend '${driver.name}' has no signed URLs` : undefined
  }

  /** Life of a signed URL, in seconds, when the caller names none. */
  protected get urlLifeSecs(): number {
    return 3600
  }

  /** That URLs of downloads are signed, and the remedy, as far as the settings say; undefined where they are plain. Nothing is asked of the network. */
  get urlSigning(): UrlSigning | undefined {
    if (this.calls.driver.signUrl === undefined) return undefined
    return { remedy: 'use a storage whose URLs are not signed' }
  }
}
