import type { CallContext } from '../../core/call.ts'
import { GOOG4, GOOG4_RSA } from '../../remote/sign/dialect.ts'
import { encodeKey } from '../../remote/sign/encode.ts'
import { type PostForm, type PostPolicyOptions, planPolicy, postPolicy } from '../../remote/sign/post-policy.ts'
import type { SigningCredentials } from '../../remote/sign/query.ts'
import { planPresign, presignV4 } from '../../remote/sign/v4.ts'
import type { TextSigner } from './credentials/signer.ts'

/** Where the URLs of a bucket begin. */
export interface UrlBase {
  readonly scheme: string
  /** With the port, where it is not the scheme's own. */
  readonly host: string
  /** What stands before the key, without a slash at its end. */
  readonly path: string
}

/** A URL that is to carry its own signature. */
export interface UrlRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'POST'
  readonly key: string
  readonly query: ReadonlyArray<readonly [name: string, value: string]>
  /** Signed, and to be sent. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** From 1 to 604800. */
  readonly expiresInSecs: number
}

/** What signs: an HMAC key, or the key of a service account, which may be elsewhere. */
export type KeyOrSigner = SigningCredentials | TextSigner

/** The URL of a key, without a signature. */
export function plainUrl({ scheme, host, path }: UrlBase, key: string): string {
  return `${scheme}://${host}${path}/${encodeKey(key)}`
}

/** A URL of version 4. (https://cloud.google.com/storage/docs/access-control/signing-urls-manually) */
export async function signedUrl(
  base: UrlBase,
  { method, key, query, headers, expiresInSecs }: UrlRequest,
  signer: KeyOrSigner,
  ctx: CallContext,
): Promise<string> {
  const request = {
    method,
    path: `${base.path}/${encodeKey(key)}`,
    query,
    headers: { ...headers, host: base.host },
  }
  const options = { region: 'auto', now: new Date(), expiresInSecs, signableHeaders: Object.keys(headers) }
  const url = plainUrl(base, key)
  if ('secretAccessKey' in signer) return `${url}?${presignV4(request, signer, { ...options, dialect: GOOG4 })}`
  const plan = planPresign(request, { accessKeyId: signer.email }, { ...options, dialect: GOOG4_RSA })
  return `${url}?${plan.finish(await signer.sign(plan.text, ctx))}`
}

/** A form by which a browser uploads one file. (https://cloud.google.com/storage/docs/xml-api/post-object-forms) */
export async function signedForm(
  options: Omit<PostPolicyOptions, 'dialect' | 'region' | 'now'>,
  signer: KeyOrSigner,
  ctx: CallContext,
): Promise<PostForm> {
  const scoped = { ...options, region: 'auto', now: new Date() }
  if ('secretAccessKey' in signer) return postPolicy(signer, { ...scoped, dialect: GOOG4 })
  const plan = planPolicy({ accessKeyId: signer.email }, { ...scoped, dialect: GOOG4_RSA })
  return plan.finish(await signer.sign(plan.text, ctx))
}
