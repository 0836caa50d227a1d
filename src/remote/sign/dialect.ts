/** The names that a version 4 signature uses, by company. */
export interface SigningDialect {
  readonly algorithm: string
  /** Prefix of the secret in the first key. */
  readonly keyPrefix: string
  /** Last part of a scope. */
  readonly terminator: string
  /** Service of a scope if none is set. */
  readonly service: string
  /** Headers that the signature adds. */
  readonly dateHeader: string
  readonly payloadHeader: string
  readonly tokenHeader: string
  /** Prefix of the parameters of a signed URL. */
  readonly parameter: string
  /** Prefix of the fields of a signed form. */
  readonly field: string
  /** Whether a signed URL moves the service's own headers into its query. Otherwise they are signed and must be sent. */
  readonly movesHeaders: boolean
}

/** Amazon's: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
export const AWS4: SigningDialect = {
  algorithm: 'AWS4-HMAC-SHA256',
  keyPrefix: 'AWS4',
  terminator: 'aws4_request',
  service: 's3',
  dateHeader: 'x-amz-date',
  payloadHeader: 'x-amz-content-sha256',
  tokenHeader: 'x-amz-security-token',
  parameter: 'X-Amz-',
  field: 'X-Amz-',
  movesHeaders: true,
}

/** Google's, with an HMAC key: https://cloud.google.com/storage/docs/authentication/signatures */
export const GOOG4: SigningDialect = {
  algorithm: 'GOOG4-HMAC-SHA256',
  keyPrefix: 'GOOG4',
  terminator: 'goog4_request',
  service: 'storage',
  dateHeader: 'x-goog-date',
  payloadHeader: 'x-goog-content-sha256',
  tokenHeader: 'x-goog-security-token',
  parameter: 'X-Goog-',
  field: 'x-goog-',
  movesHeaders: false,
}

/** Google's, with the RSA key of a service account or a signature of the IAM service. */
export const GOOG4_RSA: SigningDialect = { ...GOOG4, algorithm: 'GOOG4-RSA-SHA256' }
