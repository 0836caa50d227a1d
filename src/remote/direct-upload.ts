import type { DirectUpload, DirectUploadLimits } from '../core/direct-uploads.ts'
import { StorageError } from '../core/errors.ts'
import type { UploadFormOptions } from './upload-form.ts'

/** Headers and the names of their form fields. (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html) */
const FIELDS: Readonly<Record<string, string>> = {
  'cache-control': 'Cache-Control',
  'content-disposition': 'Content-Disposition',
  'content-encoding': 'Content-Encoding',
  'content-language': 'Content-Language',
  'content-type': 'Content-Type',
  expires: 'Expires',
  'x-amz-acl': 'acl',
  'x-goog-acl': 'acl',
}
/** Headers whose form fields have the same names. The headers of a customer's key are not among them: the client would see the key. */
const OWN =
  /^x-(?:amz|goog)-(?:meta-.*|storage-class|website-redirect-location|encryption-kms-key-name|server-side-encryption(?:-aws-kms-key-id|-context|-bucket-key-enabled)?)$/

/** The options of a form that stores a file with these upload headers. Code `unsupported` for a header that a form cannot set. */
export function formOptions(
  headers: Readonly<Record<string, string>>,
  { expiresInSecs, maxSize }: DirectUploadLimits,
): UploadFormOptions {
  const fields: Record<string, string> = {}
  for (const [header, value] of Object.entries(headers)) {
    const field = FIELDS[header] ?? (OWN.test(header) ? header : undefined)
    if (field === undefined) throw new StorageError('unsupported', `The form of an upload cannot carry '${header}'.`)
    fields[field] = value
  }
  return { expiresInSecs, maxSize, fields }
}

/** Describes a form as the request that a client must send. */
export function formUpload({ url, fields }: Pick<DirectUpload, 'url' | 'fields'>): DirectUpload {
  return { method: 'POST', url, headers: {}, fields }
}

/** Refuses a limit that a service does not enforce: `unsupported`. */
export function refuseMaxSize({ maxSize }: DirectUploadLimits, service: string): void {
  if (maxSize === undefined) return
  const text = `maxSize: ${service} does not limit the size of a direct upload. Leave it out, or take the upload in a request handler.`
  throw new StorageError('unsupported', text)
}
