import type { CommonOptions } from './common-settings.ts'
import { StorageReader } from './storage-reader.ts'
import type { NameOrEntry, UrlOptions, UrlSigning } from './types.ts'
import { urlOf } from './url.ts'

/** The methods of `Storage` by which others get at files: URLs and what they allow. */
export abstract class StorageAccess<O extends CommonOptions = CommonOptions> extends StorageReader<O> {
  /** A URL at which the file can be fetched: signed where the backend signs, else public. Whether the file exists is not asked. */
  async url(name: NameOrEntry, options: UrlOptions = {}): Promise<string> {
    return urlOf(this, name, { ...options, expiresInSecs: options.expiresInSecs ?? this.urlLifeSecs })
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
