import { flag } from '../../core/setting-types.ts'
import type { Input, SettingsOf } from '../../core/settings.ts'
import { HashedNames } from '../../storage/hashed-names.ts'
import { type ManifestOptions, manifestSettings } from '../../storage/manifest-options.ts'
import type { StaticPolicy } from '../../storage/static-policy.ts'
import type { NameOrEntry, Services, UrlOptions } from '../../storage/types.ts'
import type { LocalOptions } from './settings.ts'
import { StaticFilesStorage, staticFilesSettings } from './static-files-storage.ts'

/** Options of `ManifestStaticFilesStorage`. */
export interface LocalManifestOptions extends LocalOptions, ManifestOptions {}

/** A `StaticFilesStorage` whose URLs use the hashed names of its manifest. (Django `ManifestStaticFilesStorage`) */
export class ManifestStaticFilesStorage<
  O extends LocalManifestOptions = LocalManifestOptions,
> extends StaticFilesStorage<O> {
  static override readonly settings: SettingsOf<LocalManifestOptions> = { ...staticFilesSettings, ...manifestSettings }
  readonly #names: HashedNames

  constructor(options: Input<O> = {}, services: Services = {}) {
    super(options, services)
    this.#names = new HashedNames(this, services, !this.onlyHashed)
  }

  /** Whether files are kept only under their hashed names. */
  protected get onlyHashed(): boolean {
    return false
  }

  override get staticFiles(): StaticPolicy {
    return { manifest: this.#names }
  }

  /** The URL of a file under its hashed name. Code `not_found` for a name that is not in the manifest; see `HashedNames#url`. */
  override async url(name: NameOrEntry, options: UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    return this.#names.url(name, options, stored => super.url(stored, options))
  }

  /** Discards the manifest, so that the next URL reads it again. */
  forgetManifest(): void {
    this.#names.forget()
  }
}

/** A `StaticFilesStorage` that also stores compressed copies of its files. (WhiteNoise `CompressedStaticFilesStorage`) */
export class CompressedStaticFilesStorage<O extends LocalOptions = LocalOptions> extends StaticFilesStorage<O> {
  override get staticFiles(): StaticPolicy {
    return { compress: true }
  }
}

/** Options of `CompressedManifestStaticFilesStorage`. */
export interface CompressedManifestOptions extends LocalManifestOptions {
  readonly keepOnlyHashedFiles: boolean
}

/** A `ManifestStaticFilesStorage` that also stores compressed copies of its files. (WhiteNoise `CompressedManifestStaticFilesStorage`) */
export class CompressedManifestStaticFilesStorage<
  O extends CompressedManifestOptions = CompressedManifestOptions,
> extends ManifestStaticFilesStorage<O> {
  static override readonly settings: SettingsOf<CompressedManifestOptions> = {
    ...staticFilesSettings,
    ...manifestSettings,
    manifestStrict: { ...manifestSettings.manifestStrict, keys: ['WHITENOISE_MANIFEST_STRICT'] },
    keepOnlyHashedFiles: flag({
      default: false,
      keys: ['WHITENOISE_KEEP_ONLY_HASHED_FILES'],
      doc: 'Whether files stay only under their hashed names.',
    }),
  }

  protected override get onlyHashed(): boolean {
    return this.options.keepOnlyHashedFiles
  }

  override get staticFiles(): StaticPolicy {
    return { ...super.staticFiles, compress: true }
  }
}
