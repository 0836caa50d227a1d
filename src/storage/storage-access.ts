import type { CallOptions } from '../core/call.ts'
import type { DirectUpload } from '../core/direct-uploads.ts'
import type { Visibility } from '../core/driver.ts'
import type { CommonOptions } from './common-settings.ts'
import { StorageReader } from './storage-reader.ts'
import type { NameOrEntry, UrlOptions, UrlSigning } from './types.ts'
import { type UploadTargetOptions, uploadTargetOf } from './upload-target.ts'
import { urlOf } from './url.ts'
import { changeVisibility, visibilityOf } from './visibility.ts'

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

  /**
   * Returns the request by which a browser, or another client without credentials, uploads one file straight to the service. The file gets exactly
   * this name and replaces one that has it; take the name from `getAvailableName` to keep an older file.
   *
   * `expiresInSecs` (whole seconds, default 3600) is the time in which the upload may begin. `maxSize` is in bytes; a larger file is refused by the service
   * and nothing is stored. `contentType` defaults to the type that the name implies. S3, Google Cloud Storage and the local disk refuse another type than
   * that one. Azure and Swift store the type that the client sends; Dropbox has only the type that the name implies.
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
   * `baseUrl`), and where the service cannot enforce an option that was given.
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

  /** What to do where clients cannot upload by themselves, as the end of a sentence. */
  protected get uploadTargetRemedy(): string {
    return 'take the upload in a request handler and save() its body'
  }

  /**
   * Returns who may read the file without credentials: `public` means everybody who knows its URL. A bucket that is public as a whole, by a policy or IAM, is
   * not considered.
   *
   * Errors: `not_found`; `unsupported` where `supports('visibility')` is false. Source: S3 `GetObjectAcl`, Google Cloud Storage
   * `objectAccessControls`.
   */
  visibility(name: NameOrEntry, options: CallOptions = {}): Promise<Visibility> {
    return visibilityOf(this, name, options)
  }

  /**
   * Sets the access rules of one file: `public` lets everybody read it at its plain URL, `private` lets only the owner. Other rules that the file had
   * are replaced. It does not change the option that new files are saved with (`defaultAcl`).
   *
   * Errors: `not_found`; `unsupported` where `supports('visibility')` is false, and for a bucket that refuses rules of single files (S3: Object Ownership
   * "Bucket owner enforced"; Google Cloud Storage: uniform bucket-level access).
   *
   * @example
   * await storage.setVisibility('press/logo.svg', 'public')
   */
  setVisibility(name: NameOrEntry, visibility: Visibility, options: CallOptions = {}): Promise<void> {
    return changeVisibility(this, name, visibility, options)
  }
}
