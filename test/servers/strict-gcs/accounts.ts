/** Service accounts with RSA keys, HMAC keys, and the credential files that Google writes for them. */
import { createSign, createVerify, generateKeyPairSync, randomBytes } from 'node:crypto'

/** What an account may do with buckets and objects. */
export type Role = 'admin' | 'objectAdmin' | 'objectCreator' | 'objectViewer' | 'none'

/** How an account is set up. */
export interface AccountOptions {
  /** Default: `holdall` in the server's project. */
  readonly email?: string
  /** Default admin. */
  readonly role?: Role
  /** Whether others may have it sign and give tokens (IAM role Service Account Token Creator); default true. */
  readonly tokenCreator?: boolean
}

/** One key pair. */
export interface RsaKey {
  readonly id: string
  readonly privateKey: string
  readonly publicKey: string
}

/** One service account. */
export interface Account {
  readonly email: string
  readonly role: Role
  readonly tokenCreator: boolean
  /** The key of its key file. */
  readonly userKey: RsaKey
  /** The key that the service keeps for it, with which `signBlob` signs. */
  readonly systemKey: RsaKey
}

/** One HMAC key of an account. */
export interface HmacKey {
  /** 61 characters for a service account. */
  readonly accessId: string
  /** 40 characters of base64. */
  readonly secret: string
  readonly email: string
}

const pairs: RsaKey[] = []

/** Key pairs are dear to make: each is made once in a process. */
function keyPair(index: number): RsaKey {
  while (pairs.length <= index) {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    pairs.push({ id: randomBytes(20).toString('hex'), privateKey, publicKey })
  }
  return pairs[index] as RsaKey
}

/** Makes the accounts. */
export function makeAccounts(options: readonly AccountOptions[], projectId: string): Account[] {
  return options.map(({ email, role = 'admin', tokenCreator = true }, index) => ({
    email: email ?? `holdall@${projectId}.iam.gserviceaccount.com`,
    role,
    tokenCreator,
    userKey: keyPair(index * 2),
    systemKey: keyPair(index * 2 + 1),
  }))
}

/** An HMAC key as the service makes it. */
export function makeHmacKey(email: string): HmacKey {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const id = Array.from(randomBytes(54), byte => letters[byte % 32]).join('')
  return { accessId: `GOOG1E${id}A`, secret: randomBytes(30).toString('base64'), email }
}

/** Signs with RSA-SHA256. */
export function rsaSign(key: RsaKey, bytes: Uint8Array | string): Buffer {
  return createSign('RSA-SHA256').update(bytes).sign(key.privateKey)
}

/** Whether one of the account's keys made this signature. */
export function rsaVerify(account: Account, bytes: Uint8Array | string, signature: Uint8Array): boolean {
  const keys = [account.userKey, account.systemKey]
  return keys.some(key => createVerify('RSA-SHA256').update(bytes).verify(key.publicKey, signature))
}

/** The key file of a service account, as the console writes it. */
export function keyFile(account: Account, projectId: string, url: string): Record<string, string> {
  const { email, userKey } = account
  return {
    type: 'service_account',
    project_id: projectId,
    private_key_id: userKey.id,
    private_key: userKey.privateKey,
    client_email: email,
    client_id: '100000000000000000001',
    auth_uri: `${url}/o/oauth2/auth`,
    token_uri: `${url}/token`,
    auth_provider_x509_cert_url: `${url}/oauth2/v1/certs`,
    universe_domain: 'googleapis.com',
  }
}
