import { isAbsolute, relative, resolve, sep } from 'node:path'
import type { Content } from '../../core/content.ts'
import type { Driver, WriteOptions } from '../../core/driver.ts'
import { ImproperlyConfigured, StorageError, SuspiciousFileOperation } from '../../core/errors.ts'
import { MAX_COMPONENT_BYTES } from '../../core/key-components.ts'
import type { SettingsOf } from '../../core/settings.ts'
import { warnOnce } from '../../core/warn.ts'
import type { OpenMode } from '../../files/modes.ts'
import type { StorageFile } from '../../files/storage-file.ts'
import { Storage } from '../../storage/storage.ts'
import type { NameOrEntry, OpenOptions, Services, UrlOptions, UrlSigning } from '../../storage/types.ts'
import { LocalDriver } from './driver.ts'
import { type LocalOptions, localSettings } from './settings.ts'
import { type SignedUrl, UrlSigner } from './signed-urls.ts'

/** Files in a folder of this machine: `new LocalStorage({ location: 'media', baseUrl: '/media/' })`. */
export class LocalStorage<O extends LocalOptions = LocalOptions> extends Storage<O> {
  static override readonly backendName: string = 'local'
  static override readonly settings: SettingsOf<LocalOptions> = localSettings
  #root: string | undefined
  #signer: UrlSigner | undefined

  protected override connect(options: Readonly<O>, _services: Services): Driver {
    return new LocalDriver({ ...options, location: this.root })
  }

  /** Absolute path of the folder that holds the files. It does not change when the process changes its working directory. */
  get root(): string {
    this.#root ??= resolve(this.options.location)
    return this.#root
  }

  /** Keys are relative to the folder, so no prefix is needed. */
  override get prefix(): string {
    return ''
  }

  override get maxPartBytes(): number {
    return MAX_COMPONENT_BYTES
  }

  /** The key of a name. An absolute path is accepted if it is in the folder; otherwise it is a `suspicious_name`. */
  override keyOf(name: string): string {
    if (typeof name !== 'string' || !isAbsolute(name)) return super.keyOf(name)
    const inner = relative(this.root, resolve(name))
    if (inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner)) {
      throw new SuspiciousFileOperation(
        `The joined path (${name}) is located outside of the base path component (${this.root})`,
        { fileName: name },
      )
    }
    return super.keyOf(inner.split(sep).join('/'))
  }

  /** An absolute path is also a valid name. */
  override isSpelled(name: string, key: string): boolean {
    return super.isSpelled(name, key) || (isAbsolute(name) && (sep === '\\' || !name.includes('\\')))
  }

  override open<M extends OpenMode = 'rb'>(
    name: NameOrEntry,
    mode?: M,
    options: OpenOptions = {},
  ): Promise<StorageFile<M>> {
    if (/[wax+]/.test(String(mode))) this.#warnOfDefault()
    return super.open(name, mode, options)
  }

  override prepareContent(
    name: string,
    content: Content,
    options: WriteOptions,
  ): { content: Content; options: WriteOptions } {
    this.#warnOfDefault()
    return super.prepareContent(name, content, options)
  }

  /** Warns once that files are stored in a folder that is not set by any setting. */
  #warnOfDefault(): void {
    if (this.origins['location']?.from !== 'default') return
    const text = `No folder is configured: files are stored in '${this.root}'. Set MEDIA_ROOT, or the option location.`
    warnOnce(text, 'HOLDALL_DEFAULT_FOLDER')
  }

  /** A URL below `baseUrl`, signed if there is a `urlSecret`. Leading slashes of the name cannot lead to another host. */
  override url(name: NameOrEntry, options: UrlOptions = {}): Promise<string> {
    return super.url(typeof name === 'string' ? name.replace(/^\/+/, '') : name, options)
  }

  protected override unsignedRemedy(): string | undefined {
    const { urlSecret, baseUrl } = this.options
    const missing = [urlSecret === null ? 'urlSecret' : [], baseUrl === null ? 'baseUrl' : []].flat()
    return missing.length === 0 ? undefined : `set ${missing.join(' and ')}`
  }

  /**
   * Verifies a signed URL by its method, name and query, and returns its permission. Changed, expired or of another base URL:
   * `permission_denied`; no `urlSecret`: `unsupported`; no `baseUrl`: `improperly_configured`.
   */
  verifyUrl(method: string, name: string, query: URLSearchParams): SignedUrl {
    const { urlSecret, baseUrl } = this.options
    if (urlSecret === null)
      throw new StorageError('unsupported', 'The storage has no urlSecret, so its URLs are not signed.')
    if (baseUrl === null)
      throw new ImproperlyConfigured('baseUrl: signed URLs are checked against the base URL that they were made with.')
    this.#signer ??= new UrlSigner(urlSecret, baseUrl)
    return this.#signer.verify(method, this.keyOf(name), query)
  }

  /** Whether URLs of this storage are signed. */
  get urlsAreSigned(): boolean {
    return this.options.urlSecret !== null
  }

  override get urlSigning(): UrlSigning | undefined {
    return this.urlsAreSigned ? { remedy: 'set urlSecret to null in its OPTIONS' } : undefined
  }

  protected override get uploadTargetRemedy(): string {
    return 'set urlSecret and baseUrl, and serve the files by createFileHandler'
  }

  protected override get urlLifeSecs(): number {
    return this.options.urlExpire
  }
}
