import { nodeCrypto } from '../../core/builtin.ts'
import { AWS4, type SigningDialect } from './dialect.ts'
import { HmacSha256 } from './hmac.ts'

/** Where and when a version 4 signature is valid. */
export interface SigningScope {
  readonly region: string
  /** Default: the service of the dialect, `s3` or `storage`. */
  readonly service?: string | undefined
  readonly now: Date
  /** Default `AWS4`. */
  readonly dialect?: SigningDialect | undefined
}

/** The key of one day, region and service. */
export interface SigningKey {
  readonly secret: string
  readonly day: string
  readonly region: string
  readonly service: string
  readonly dialect: SigningDialect
  /** The scope in a credential: `<day>/<region>/<service>/aws4_request`. */
  readonly scope: string
  readonly hmac: HmacSha256
}

const MAX_KEYS = 64
const keys = new Map<string, SigningKey>()
let last: SigningKey | undefined

/** The scope of a key in a credential: `<day>/<region>/<service>/aws4_request`. */
export function scopeOf({ region, dialect = AWS4, service = dialect.service }: Scope, day: string): string {
  return `${day}/${region}/${service}/${dialect.terminator}`
}

type Scope = Omit<SigningScope, 'now'>

/** The key of a secret for a day (`YYYYMMDD`). 64 of them are cached, since each takes four HMACs. */
export function signingKey(
  secret: string,
  { region, dialect = AWS4, service = dialect.service }: Scope,
  day: string,
): SigningKey {
  const fits = last?.secret === secret && last.day === day && last.region === region && last.service === service
  if (fits && last!.dialect === dialect) return last!
  const id = `${dialect.keyPrefix}/${day}/${region}/${service}/${secret}`
  last = keys.get(id)
  if (last === undefined) {
    last = newKey(secret, day, region, service, dialect)
    if (keys.size >= MAX_KEYS) keys.delete(keys.keys().next().value!)
    keys.set(id, last)
  }
  return last
}

function newKey(secret: string, day: string, region: string, service: string, dialect: SigningDialect): SigningKey {
  let bytes: Buffer = Buffer.from(`${dialect.keyPrefix}${secret}`)
  for (const part of [day, region, service, dialect.terminator])
    bytes = nodeCrypto().createHmac('sha256', bytes).update(part).digest()
  const scope = scopeOf({ region, service, dialect }, day)
  return { secret, day, region, service, dialect, scope, hmac: new HmacSha256(bytes) }
}
