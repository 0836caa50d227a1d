import { StorageError } from '../../core/errors.ts'
import { checkLifetime } from '../../core/urls.ts'
import { AWS4 } from './dialect.ts'
import type { SigningCredentials } from './query.ts'
import { type SigningScope, scopeOf, signingKey } from './signing-key.ts'
import { datesOf, MAX_PRESIGN_SECS } from './v4.ts'

/** One condition of a form upload: a field's exact value, its beginning, or the size of the file in bytes. */
export type PostCondition =
  | Readonly<Record<string, string>>
  | readonly ['eq' | 'starts-with', field: string, value: string]
  | readonly ['content-length-range', minBytes: number, maxBytes: number]

/** The upload that a signed form allows. */
export interface PostPolicyOptions extends SigningScope {
  /** The address of the form: the bucket's URL. */
  readonly url: string
  readonly bucket: string
  /** The object's key. A key that ends in `${filename}` allows any key with the same beginning. */
  readonly key: string
  /** From 1 to 604800. */
  readonly expiresInSecs: number
  /** Fields of the form that must arrive unchanged. */
  readonly fields?: Readonly<Record<string, string>> | undefined
  readonly conditions?: readonly PostCondition[] | undefined
}

/** The address of a browser form and its fields, which must precede `file`. */
export interface PostForm {
  readonly url: string
  readonly fields: Record<string, string>
}

const FILE_NAME = '$' + '{filename}'

/**
 * Signs a form for browser uploads (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html,
 * https://cloud.google.com/storage/docs/authentication/signatures#policy-document). Code `invalid_argument` for a bad lifetime, size range
 * or condition, and for a key with `${filename}` anywhere but at its end.
 */
export function postPolicy(credentials: SigningCredentials, options: PostPolicyOptions): PostForm {
  const { text, finish } = planPolicy(credentials, options)
  const key = signingKey(credentials.secretAccessKey, options, datesOf(options.now).day)
  return finish(key.hmac.sign(text))
}

/** A form without its signature. */
export interface PolicyPlan {
  /** The text to sign; the signature is in hex. */
  readonly text: string
  finish(signature: string): PostForm
}

/** Like `postPolicy`, for a signature that is made elsewhere: with an RSA key, or by a service. */
export function planPolicy(
  { accessKeyId, sessionToken }: Omit<SigningCredentials, 'secretAccessKey'>,
  options: PostPolicyOptions,
): PolicyPlan {
  const secs = checkLifetime(options.expiresInSecs, MAX_PRESIGN_SECS, 'a form')
  for (const condition of options.conditions ?? []) checkCondition(condition)
  const { dialect = AWS4, url, bucket } = options
  const isAmazon = dialect === AWS4
  const fieldOf = (name: string) => dialect.field + (isAmazon ? name : name.toLowerCase())
  const { amzDate, day } = datesOf(options.now)
  const signed: Record<string, string> = {
    ...options.fields,
    bucket,
    [fieldOf('Algorithm')]: dialect.algorithm,
    [fieldOf('Credential')]: `${accessKeyId}/${scopeOf(options, day)}`,
    [fieldOf('Date')]: amzDate,
  }
  if (sessionToken) signed[fieldOf('Security-Token')] = sessionToken
  const texts = new Set((options.conditions ?? []).map(condition => JSON.stringify(condition)))
  for (const name of Object.keys(signed)) texts.add(JSON.stringify({ [name]: signed[name] }))
  texts.add(JSON.stringify(keyCondition(options.key)))
  const expiration = `${new Date(options.now.getTime() + secs * 1000).toISOString().slice(0, 19)}Z`
  const document = `{"expiration":"${expiration}","conditions":[${[...texts].join(',')}]}`
  const text = Buffer.from(isAmazon ? document : asciiJson(document)).toString('base64')
  // Google's forms go to the bucket's own address, and its clients omit the field.
  const { bucket: _, ...withoutBucket } = signed
  return {
    text,
    finish: signature => ({
      url,
      fields: {
        ...(isAmazon ? signed : withoutBucket),
        key: options.key,
        [isAmazon ? 'Policy' : 'policy']: text,
        [fieldOf('Signature')]: signature,
      },
    }),
  }
}

/** The same JSON in ASCII, as Google's policies are written. */
function asciiJson(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function keyCondition(key: string): PostCondition {
  const at = key.indexOf(FILE_NAME)
  if (at >= 0 && at + FILE_NAME.length < key.length) {
    throw new StorageError('invalid_argument', `key: ${FILE_NAME} may stand only once, at the end, in '${key}'.`)
  }
  return key.endsWith(FILE_NAME) ? ['starts-with', '$key', key.slice(0, -FILE_NAME.length)] : { key }
}

function checkCondition(condition: PostCondition): void {
  if (!Array.isArray(condition)) return
  const [kind, min, max] = condition
  if (kind === 'eq' || kind === 'starts-with') {
    if (typeof min === 'string' && min.startsWith('$') && typeof max === 'string') return
    throw new StorageError('invalid_argument', `${kind} must have a field that begins with '$', and a text`)
  }
  if (kind !== 'content-length-range') {
    throw new StorageError('invalid_argument', 'a condition must begin with eq, starts-with or content-length-range')
  }
  if (Number.isSafeInteger(min) && Number.isSafeInteger(max) && min >= 0 && min <= max) return
  throw new StorageError(
    'invalid_argument',
    `content-length-range must be two byte counts in order, not ${min}, ${max}`,
  )
}
