import { ImproperlyConfigured } from '../core/errors.ts'
import { type EnvironmentProxies, environmentProxies } from './env-proxies.ts'
import { unbracketed } from './request.ts'

/** Where requests go instead of to the server itself. */
export interface ProxyServer {
  /** Whether the proxy itself is spoken to by TLS. */
  readonly secure: boolean
  readonly hostname: string
  readonly port: number
  /** Value of `Proxy-Authorization` (RFC 7617), where the address had `user:password@`. */
  readonly authorization: string | undefined
  /** Empty where the address has none. */
  readonly password: string
}

const BASIC = 'Basic '

const KEY = /^https?(:\/\/[^/?#@]+)?\/?$/i

/** Proxies by scheme (`http`) and by endpoint (`http://hostname`), as botocore's `proxies` has them. */
export class ProxyTable {
  readonly #proxies: Map<string, ProxyServer> = new Map()
  readonly #environment: EnvironmentProxies | undefined

  /**
   * Where no proxies are given, those of the environment count. Throws `improperly_configured` for a key or an address that is none; its
   * text never shows a password.
   */
  constructor(
    given: Readonly<Record<string, string>> | null | undefined,
    env: Readonly<Record<string, string | undefined>> = {},
  ) {
    const isGiven = Object.keys(given ?? {}).length > 0
    this.#environment = isGiven ? undefined : environmentProxies(env)
    for (const [key, address] of Object.entries(this.#environment?.proxies ?? given ?? {})) {
      if (!KEY.test(key)) {
        throw new ImproperlyConfigured(`proxies: the key '${hidden(key)}' is neither a scheme nor scheme://hostname.`)
      }
      if (address) {
        const what = isGiven ? `proxies: the value of '${key}'` : `${key}_proxy in the environment`
        this.#proxies.set(key.toLowerCase().replace(/\/$/, ''), parseProxy(what, address))
      }
    }
  }

  /** Passwords and values of `Proxy-Authorization`, for redaction. */
  get secrets(): string[] {
    return [...this.#proxies.values()].flatMap(({ authorization, password }) =>
      authorization === undefined ? [] : [authorization, authorization.slice(BASIC.length), password],
    )
  }

  /** The proxy for a target; the most exact key wins. `scheme` has no colon, `port` is the effective one. */
  select(scheme: string, hostname: string, port: number): ProxyServer | undefined {
    if (this.#proxies.size === 0 || this.#environment?.isDirect(hostname, port)) return undefined
    const endpoint = `${scheme}://${hostname}`
    return this.#proxies.get(`${endpoint}:${port}`) ?? this.#proxies.get(endpoint) ?? this.#proxies.get(scheme)
  }
}

function parseProxy(what: string, address: string): ProxyServer {
  let url: URL
  try {
    const text = address.startsWith('//') ? `http:${address}` : address
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  } catch {
    throw new ImproperlyConfigured(`${what} is not a proxy address such as 'host:3128'.`)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ImproperlyConfigured(`${what} names a proxy of the kind '${url.protocol}'; http and https are known.`)
  }
  const secure = url.protocol === 'https:'
  const hasUser = url.username !== '' || url.password !== ''
  const password = decoded(url.password)
  const user = `${decoded(url.username)}:${password}`
  return {
    secure,
    hostname: unbracketed(url.hostname),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    authorization: hasUser ? BASIC + Buffer.from(user, 'utf8').toString('base64') : undefined,
    password,
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function hidden(text: string): string {
  const at = text.lastIndexOf('@')
  return at < 0 ? text : `***${text.slice(at)}`
}
