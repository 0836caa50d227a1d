import { type ErrorCode, type ErrorDetails, StorageError } from '../core/errors.ts'

/** Why an upload was rejected. */
export type UploadErrorReason =
  | 'not_multipart'
  | 'malformed'
  | 'aborted'
  | 'file_too_large'
  | 'field_too_large'
  | 'request_too_large'
  | 'too_many_files'
  | 'too_many_fields'
  | 'too_many_parts'
  | 'unexpected_file'
  | 'type_not_allowed'
  | 'missing_field'
  | 'bad_name'

const CODES: Readonly<Record<UploadErrorReason, readonly [code: ErrorCode, status: number]>> = {
  not_multipart: ['invalid_argument', 415],
  malformed: ['invalid_argument', 400],
  aborted: ['aborted', 400],
  file_too_large: ['too_large', 413],
  field_too_large: ['too_large', 413],
  request_too_large: ['too_large', 413],
  too_many_files: ['too_large', 413],
  too_many_fields: ['too_large', 413],
  too_many_parts: ['too_large', 413],
  unexpected_file: ['invalid_argument', 400],
  type_not_allowed: ['invalid_argument', 415],
  missing_field: ['invalid_argument', 400],
  bad_name: ['suspicious_name', 400],
}

/**
 * An upload that was rejected because of the data that the client sent. `reason` is the violated rule, `field` the field of the form, and
 * `status` and `statusCode` the HTTP status of the answer (400, 413 or 415), which Express, Fastify and NestJS use directly. The message
 * contains no secrets.
 */
export class UploadError extends StorageError {
  readonly reason: UploadErrorReason
  /** The field of the form; undefined where the whole request was rejected. */
  readonly field: string | undefined
  readonly statusCode: number
  /** Whether the message may be shown to the client, as in the package `http-errors`. */
  readonly expose: boolean = true

  static {
    UploadError.prototype.name = 'UploadError'
  }

  constructor(
    reason: UploadErrorReason,
    message: string,
    details: ErrorDetails & { readonly field?: string | undefined } = {},
  ) {
    const [code, status] = CODES[reason]
    super(code, message, { outcome: 'not_applied', ...details, status })
    this.reason = reason
    this.field = details.field
    this.statusCode = status
  }
}
