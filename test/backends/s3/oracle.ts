import { createHash, createHmac } from 'node:crypto'

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** The hash class that the official signers are given. */
export class Sha256 {
  readonly #hash: { update(data: Uint8Array | string): unknown; digest(): Buffer }
  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(data: Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    throw new Error('not used by the signers')
  }
}

/** One random request with keys and a moment, in our terms. */
export interface Sample {
  readonly method: string
  readonly host: string
  readonly key: string
  readonly query: Array<[string, string]>
  readonly headers: Record<string, string>
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
  readonly region: string
  readonly now: Date
  readonly payloadHash: string
}

const CHARS = [...'abcXYZ019-._~ !*\'()/&+?#%=:@,;$"<>[]\\^`{|}\t\u00e9\u00df\u4e2d\u{1f600}\u2028\ufb01']
const HEADERS = [
  'content-type',
  'Content-MD5',
  'range',
  'cache-control',
  'user-agent',
  'If-None-Match',
  'x-amz-acl',
  'X-Amz-Meta-Foo',
  'x-amz-meta-bar-b',
  'x-amz-storage-class',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-customer-key',
  'expect',
  'proxy-x',
  'sec-fetch',
  'date',
]
const NAMES = [
  'acl',
  'response-content-type',
  'response-content-disposition',
  'uploadId',
  'uploads',
  'x-id',
  'versionId',
]

/** Makes a request of odd parts. */
export function sample(random: () => number): Sample {
  const below = (end: number): number => Math.floor(random() * end)
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!
  const text = (most: number): string => Array.from({ length: below(most + 1) }, () => pick(CHARS)).join('')
  const word = (): string => Array.from({ length: 1 + below(24) }, () => pick([...'abcXYZ059+/='])).join('')
  const query = new Map<string, string>()
  for (let left = below(5); left > 0; left--) {
    query.set(pick([...NAMES, `q${text(3)}`, `${pick(NAMES)}-${below(9)}`, text(4) || 'p']), text(12))
  }
  const headers: Record<string, string> = {}
  for (let left = below(7); left > 0; left--) {
    headers[pick(HEADERS)] =
      pick(['', ' ', '  ', '\t']) + word() + pick(['', ' ', '   ', '\t \t', '\r\n ']) + word() + pick(['', ' '])
  }
  return {
    method: pick(['GET', 'PUT', 'POST', 'DELETE', 'HEAD']),
    host: pick(['bkt.s3.amazonaws.com', 's3.eu-west-1.amazonaws.com', '127.0.0.1:9000']),
    key: text(30),
    query: [...query],
    headers,
    accessKeyId: word(),
    secretAccessKey: word(),
    sessionToken: random() < 0.4 ? word() : undefined,
    region: pick(['us-east-1', 'eu-central-1', 'auto', 'cn-north-1']),
    now: new Date(below(4_102_444_800) * 1000 + below(1000)),
    payloadHash: pick(['UNSIGNED-PAYLOAD', new Array(65).join('a'), 'STREAMING-UNSIGNED-PAYLOAD-TRAILER']),
  }
}
