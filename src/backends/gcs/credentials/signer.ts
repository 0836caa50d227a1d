import type { CallContext } from '../../../core/call.ts'
import { ImproperlyConfigured, isStorageError, StorageError } from '../../../core/errors.ts'
import { textOf } from '../../../remote/answers.ts'
import type { GcsCredentials } from './credentials.ts'

/** Signs texts for a service account. */
export interface TextSigner {
  /** Address of the account. */
  readonly email: string
  /** The RSA-SHA256 signature of a text, in hex. */
  sign(text: string, ctx: CallContext): string | Promise<string>
}

/** Options for signing texts. */
export interface SignerOptions {
  /** Whether the IAM service signs, even if there is a key. */
  readonly iamSignBlob: boolean
  /** The account that IAM signs for; null = the account of the credentials. */
  readonly saEmail: string | null
}

const IAM_URL = 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/'

/** The signer of URLs and forms for these credentials: their key, without a request, or the IAM service. */
export async function textSigner(credentials: GcsCredentials, options: SignerOptions): Promise<TextSigner> {
  const key = options.iamSignBlob ? undefined : await credentials.key()
  if (key !== undefined && (options.saEmail ?? key.email) === key.email) {
    return { email: key.email, sign: text => key.sign(text).toString('hex') }
  }
  if (credentials.isAnonymous) throw new ImproperlyConfigured('Anonymous requests have nothing to sign URLs with.')
  const email = options.saEmail ?? (await credentials.email())
  if (email === undefined) {
    throw new ImproperlyConfigured(
      'Signing by the IAM service needs the e-mail address of a service account: these credentials have none. Set saEmail (GS_SA_EMAIL).',
    )
  }
  return { email, sign: (text, ctx) => ctx.step('signBlob', true, step => signBlob(credentials, email, text, step)) }
}

/**
 * Signs with the IAM service for an account; the caller needs the role Service Account Token Creator on it.
 * (https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/signBlob)
 */
async function signBlob(
  credentials: GcsCredentials,
  email: string,
  text: string,
  ctx: CallContext,
  mayRenew = true,
): Promise<string> {
  const token = await credentials.token(ctx.signal)
  const purpose = `Signing for ${email}`
  const request = {
    method: 'POST',
    url: `${IAM_URL}${encodeURIComponent(email)}:signBlob`,
    headers: {
      authorization: `Bearer ${token?.text}`,
      'content-type': 'application/json',
      ...(token?.quotaProject !== undefined && { 'x-goog-user-project': token.quotaProject }),
    },
    body: JSON.stringify({ payload: Buffer.from(text).toString('base64') }),
    expected: { statuses: [200], fields: ['signedBlob'] },
    secrets: [token?.text],
  } as const
  try {
    const { signedBlob } = await credentials.auth.json(purpose, request, ctx)
    const signature = Buffer.from(textOf(signedBlob) ?? '', 'base64')
    // A key of 2048 bits makes signatures of 256 bytes.
    if (signature.byteLength >= 128) return signature.toString('hex')
    throw new StorageError('unavailable', `${purpose}: the answer has no signature.`, { outcome: 'not_applied' })
  } catch (error) {
    if (mayRenew && token !== null && isStorageError(error) && error.status === 401) {
      credentials.drop(token)
      return signBlob(credentials, email, text, ctx, false)
    }
    throw explained(error, email)
  }
}

function explained(error: unknown, email: string): unknown {
  if (!(error instanceof StorageError) || error.code !== 'permission_denied') return error
  const why = `the caller needs the role 'Service Account Token Creator' on ${email}, and the IAM Service Account Credentials API must be enabled`
  return new StorageError('permission_denied', `${error.message} (${why}.)`, { cause: error, status: error.status })
}
