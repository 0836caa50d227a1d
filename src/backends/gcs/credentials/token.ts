import { StorageError } from '../../../core/errors.ts'
import { type Fields, textOf } from './auth-service.ts'

/** A token that a request carries. */
export interface AccessToken {
  /** Secret. */
  readonly text: string
  /** Undefined where its source does not tell. */
  readonly expiresAt: Date | undefined
}

/** What a token may be used for: the bucket, and signing by the IAM service. (https://cloud.google.com/storage/docs/oauth-scopes) */
export const SCOPES: readonly string[] = [
  'https://www.googleapis.com/auth/devstorage.full_control',
  'https://www.googleapis.com/auth/cloud-platform',
]

const LONGEST_SECS = 86_400

/** The token in an answer of OAuth (RFC 6749, section 5.1); `unavailable` for an answer without one that a header can carry. */
export function tokenOf({ access_token: given, expires_in: secs }: Fields, purpose: string): AccessToken {
  const text = textOf(given)
  if (text === undefined || /[^!-~]/.test(text)) {
    throw new StorageError('unavailable', `${purpose}: the answer has no token.`, { outcome: 'not_applied' })
  }
  const lifeSecs = typeof secs === 'string' && /^\d{1,9}$/.test(secs) ? Number(secs) : secs
  const isKnown = typeof lifeSecs === 'number' && lifeSecs > 0
  return { text, expiresAt: isKnown ? new Date(Date.now() + Math.min(lifeSecs, LONGEST_SECS) * 1000) : undefined }
}
