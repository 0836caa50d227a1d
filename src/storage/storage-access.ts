import type { CallOptions } from '../core/call.ts'
import type { DirectUpload } from '../core/direct-uploads.ts'
import type { Visibility } from '../core/driver.ts'
import { checkKnownOptions, type KnownOptions } from '../core/known-options.ts'
import { checkSeconds } from '../core/urls.ts'
import { URL_OPTIONS } from './call-options.ts'
import type { CommonOptions } from './common-settings.ts'
import { nameIn } from './entry-keys.ts'
import { changeModifiedTime } from './modified-time.ts'
import { type OpenUploadOptions, openUpload, type ResumeUploadOptions, resumeUpload } from './open-upload.ts'
import type { ResumableUpload } from './resumable-upload.ts'
import { StorageReader } from './storage-reader.ts'
import type { NameOrEntry, UrlOptions, UrlSigning } from './types.ts'
import { type UploadTargetOptions, uploadTargetOf } from './upload-target.ts'
import { unsignedUrl, urlOf } from './url.ts'
import { changeVisibility, visibilityOf } from './visibility.ts'

/** The methods of `Storage` that let other programs read and write files: URLs, uploads, visibility, and the time of a file. */
export abstract class StorageAccess<O extends CommonOptions = CommonOptions> extends StorageReader<O> {
  /**
   * Returns a URL of the file: signed where the backend and its settings sign, else public. With `expiresInSecs` it is always signed, or
   * `unsupported`. Does not check whether the file exists.
   * @example
   * const link = await storage.url('report.pdf', { expiresInSecs: 600 })
   */
  async url(name: NameOrEntry, options: UrlOptions = {}): Promise<string> {
    this.checkUrl(name, options)
    return urlOf(this, name, { ...options, expiresInSecs: options.expiresInSecs ?? this.urlLifeSecs })
  }

  /** The options of `url`; a backend that has more options overrides it. */
  protected get urlOptions(): KnownOptions<UrlOptions> {
    return URL_OPTIONS
  }

  /**
   * Rejects an unknown option, a lifetime that is not a whole number of seconds (`invalid_argument`), and a lifetime for a URL that would
   * not be signed (`unsupported`). Every override of `url` calls it first.
   */
  protected checkUrl(name: NameOrEntry, options: UrlOptions): void {
    checkKnownOptions('url', options, this.urlOptions)
    const { expiresInSecs } = options
    if (expiresInSecs === undefined) return
    checkSeconds(expiresInSecs)
    const remedy = this.unsignedRemedy(nameIn(name), options)
    if (remedy !== undefined) throw unsignedUrl(nameIn(name), remedy)
  }

  /** Returns which setting makes the URL of a file signed, as the end of a sentence; undefined where it is signed with these options. */
  protected unsignedRemedy(_name: string, _options: UrlOptions): string | undefined {
    const { driver } = this.calls
    return driver.signUrl === undefined ? `the backend '${driver.name}' has no signed URLs` : undefined
  }

  /** Default lifetime of a signed URL, in seconds. */
  protected get urlLifeSecs(): number {
    return 3600
  }

  /** Whether the settings sign the URLs of downloads, and how to change that; undefined where the URLs are plain. Sends no request. */
  get urlSigning(): UrlSigning | undefined {
    if (this.calls.driver.signUrl === undefined) return undefined
    return { remedy: 'use a storage whose URLs are not signed' }
  }

  /**
   * Returns the request by which a browser, or another client without credentials, uploads one file directly to the service. The file gets
   * exactly this name and replaces an existing file of that name. Use a name from `getAvailableName` to keep an older file.
   *
   * `expiresInSecs` (whole seconds, default 3600) is the time within which the upload must begin. `maxSize` is in bytes; the service rejects
   * a larger file, and nothing is stored. `contentType` defaults to the type that follows from the name. S3, Google Cloud Storage and the
   * local disk reject any other type. Azure and Swift store the type that the client sends; Dropbox has only the type that follows from the
   * name.
   *
   * | Backend | Request | `maxSize` |
   * |---|---|---|
   * | S3, Spaces | POST, form | yes |
   * | Cloudflare R2, Backblaze B2 | PUT | `unsupported` |
   * | Google Cloud Storage | POST, form | yes |
   * | local disk, by `createFileHandler` | PUT | yes |
   * | Azure, Swift | PUT | `unsupported` |
   * | Dropbox | POST, the body is the file; `expiresInSecs` from 60 to 14,400 | `unsupported` |
   *
   * Errors: `unsupported` where clients cannot upload by themselves (memory, FTP, SFTP, Atmos, Nimbus; local disk without `urlSecret` and
   * `baseUrl`), and where the service cannot enforce an option.
   *
   * @example
   * // on the server: answer the browser with this as JSON
   * const target = await storage.uploadTarget('photos/1.jpg', { maxSize: 5_000_000, contentType: 'image/jpeg' })
   * @example
   * // in the browser: `file` is a File of an <input type="file">
   * const { method, url, headers, fields } = target
   * const form = new FormData()
   * for (const [name, value] of Object.entries({ ...fields, file })) form.append(name, value)
   * const answer = await fetch(url, { method, headers, body: fields ? form : file })
   * if (!answer.ok) throw new Error(`The upload failed: ${answer.status}`)
   */
  uploadTarget(name: string, options: UploadTargetOptions = {}): Promise<DirectUpload> {
    return uploadTargetOf(this, name, options, this.uploadTargetRemedy)
  }

  /** The remedy where clients cannot upload by themselves, as the end of a sentence. */
  protected get uploadTargetRemedy(): string {
    return 'take the upload in a request handler and save() its body'
  }

  /**
   * Begins an upload in parts. It can be paused, and another process can continue it with `resumeUpload(upload.token)`. The file appears as
   * a whole at `complete`; an older file of the name stays until then. At most one part (`partSize` bytes) is held in memory.
   *
   * Backends: S3, Spaces, Azure, Google Cloud Storage, Dropbox, Swift, local disk, and memory (within one process). An abandoned upload
   * ends after a week at Azure, Google Cloud Storage and Dropbox, and by `sweep` on the local disk and S3. Segments of Swift stay until
   * `cancel`. Content is stored unchanged: the option `gzip` has no effect.
   *
   * Errors: `unsupported` where `supports('resumableUploads')` is false (FTP, SFTP, Atmos, Nimbus); `invalid_argument`, `suspicious_name`.
   * @example
   * await using upload = await storage.openUpload('videos/talk.mp4', { contentType: 'video/mp4' })
   * session.upload = upload.token
   * await upload.send(createReadStream('talk.mp4'))
   * const name = await upload.complete()
   */
  openUpload(name: string, options: OpenUploadOptions = {}): Promise<ResumableUpload> {
    return openUpload(this, name, options)
  }

  /**
   * Continues an upload of `openUpload`, also in another process or on another machine. It asks the service how many bytes it has: send the
   * content from `upload.offset` on. Attributes and conditions are those of the `openUpload` call.
   *
   * A token is checked as untrusted text. It is `invalid_argument` if it is damaged, of another version, of another storage or backend, or
   * not for the option `name`. Its name must be inside of this storage's location. Set `name` where a client kept the token; otherwise the
   * client can choose another name of the storage. A completed, cancelled or expired upload is `not_found`.
   * @example
   * await using upload = await storage.resumeUpload(session.upload)
   * await upload.send(createReadStream('talk.mp4', { start: upload.offset }))
   * const name = await upload.complete()
   */
  resumeUpload(token: string, options: ResumeUploadOptions = {}): Promise<ResumableUpload> {
    return resumeUpload(this, token, options)
  }

  /**
   * Returns who may read the file without credentials: `public` means every client that knows its URL. A bucket that is public as a whole,
   * by a policy or IAM, is not considered.
   *
   * Errors: `not_found`; `unsupported` where `supports('visibility')` is false. Source: S3 `GetObjectAcl`, Google Cloud Storage
   * `objectAccessControls`.
   */
  visibility(name: NameOrEntry, options: CallOptions = {}): Promise<Visibility> {
    return visibilityOf(this, name, options)
  }

  /**
   * Sets who may read one file: `public` lets every client read it at its plain URL, `private` lets only clients with credentials read it.
   * S3 replaces all rules of the file by a canned ACL (`public-read`, `private`); Google Cloud Storage adds or removes the rule for
   * `allUsers`. The option `defaultAcl`, which applies to new files, does not change.
   *
   * Errors: `not_found`; `unsupported` where `supports('visibility')` is false, and for a bucket that does not allow rules of single files
   * (S3: Object Ownership "Bucket owner enforced"; Google Cloud Storage: uniform bucket-level access).
   * @example
   * await storage.setVisibility('press/logo.svg', 'public')
   */
  setVisibility(name: NameOrEntry, visibility: Visibility, options: CallOptions = {}): Promise<void> {
    return changeVisibility(this, name, visibility, options)
  }

  /**
   * Sets the time that `getModifiedTime` returns: in milliseconds on the local disk and in memory, in whole seconds over SFTP and FTP.
   * Content and attributes stay. A file on the local disk gets another etag, since its etag contains the time.
   *
   * Errors: `not_found`; `is_directory`; `invalid_argument` for an invalid date, and for a time that the protocol cannot express;
   * `unsupported` where `supports('setModifiedTime')` is false, and where an FTP or SFTP server does not set times.
   * @example
   * await storage.setModifiedTime('report.pdf', new Date('2019-04-01T12:00:00Z'))
   */
  setModifiedTime(name: NameOrEntry, time: Date, options: CallOptions = {}): Promise<void> {
    return changeModifiedTime(this, name, time, options)
  }
}
