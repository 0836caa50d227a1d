import { nodeCrypto } from '../../core/builtin.ts'
import { HmacSha256 } from './hmac.ts'

/** Where and when a version 4 signature is valid. */
export interface SigningScope {
  readonly region: string
  /** `s3` unless given. */
  readonly service?: string | undefined
  readonly now: Date
}

/** The key of one day, region and service. */
export interface SigningKey {
  readonly secret: string
  readonly day: string
  readonly region: string
  readonly service: string
  /** What names it in a credential: `<day>/<region>/<service>/aws4_request`. */
  readonly scope: string
  readonly hmac: HmacSha256
}

const MAX_KEYS = 64
const keys = new Map<string, SigningKey>()
let last: SigningKey | undefined

/** The key that a secret gives for a day (`YYYYMMDD`); 64 of them are kept, since each takes four HMACs. */
export function signingKey(
  secret: string,
  { region, service = 's3' }: Omit<SigningScope, 'now'>,
  day: string,
): SigningKey {
  const fits = last?.secret === secret && last.day === day && last.region === region && last.service === service
  if (fits) return last!
  const id = `${day}/${region}/${service}/${secret}`
  last = keys.get(id)
  if (last === undefined) {
    last = newKey(secret, day, region, service)
    if (keys.size >= MAX_KEYS) keys.delete(keys.keys().next().value!)
    keys.set(id, last)
  }
  return last
}

function newKey(secret: string, day: string, region: string, service: string): SigningKey {
  let bytes: Buffer = Buffer.from(`AWS4${secret}`)
  for (const part of [day, region, service, 'aws4_request'])
    bytes = nodeCrypto().createHmac('sha256', bytes).update(part).digest()
  const scope = `${day}/${region}/${service}/aws4_request`
  return { secret, day, region, service, scope, hmac: new HmacSha256(bytes) }
}
