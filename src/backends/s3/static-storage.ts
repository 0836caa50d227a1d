import type { Input, SettingsOf } from '../../core/settings.ts'
import { HashedNames } from '../../storage/hashed-names.ts'
import { type ManifestOptions, manifestSettings } from '../../storage/manifest-options.ts'
import type { StaticPolicy } from '../../storage/static-policy.ts'
import type { Services } from '../../storage/types.ts'
import { type S3Options, s3Settings } from './settings/settings.ts'
import { S3Storage, type S3UrlOptions } from './storage.ts'

/** An `S3Storage` for public files: its URLs are not signed. */
export class S3StaticStorage<O extends S3Options = S3Options> extends S3Storage<O> {
  static override readonly defaults: Readonly<Record<string, unknown>> = { querystringAuth: false }
}

/** Options of `S3ManifestStaticStorage`. */
export interface S3ManifestOptions extends S3Options, ManifestOptions {}

/** An `S3StaticStorage` whose URLs use the hashed names of its manifest. (django-storages `S3ManifestStaticStorage`) */
export class S3ManifestStaticStorage<O extends S3ManifestOptions = S3ManifestOptions> extends S3StaticStorage<O> {
  static override readonly settings: SettingsOf<S3ManifestOptions> = { ...s3Settings, ...manifestSettings }
  readonly #names: HashedNames

  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    this.#names = new HashedNames(this, services)
  }

  override get staticFiles(): StaticPolicy {
    return { manifest: this.#names }
  }

  /** The URL of a file under its hashed name. Code `not_found` for a name that is not in the manifest; see `HashedNames#url`. */
  override async url(name: string, options: S3UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    return this.#names.url(name, options, stored => super.url(stored, options))
  }

  /** Discards the manifest, so that the next URL reads it again. */
  forgetManifest(): void {
    this.#names.forget()
  }
}
