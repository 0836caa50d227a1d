import { unescape as decoded } from 'node:querystring'
import { nodeNet } from '../core/builtin.ts'
import { ImproperlyConfigured } from '../core/errors.ts'
import { unbracketed } from './request.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A proxy that receives the requests instead of the server. */
export interface ProxyServer {
  /** Whether the connection to the proxy uses TLS. */
  readonly secure: boolean
  readonly hostname: string
  readonly port: number
  /** Value of `Proxy-Authorization` (RFC 7617), where the address contained `user:password@`. */
  readonly authorization: string | undefined
}

const THIS_MACHINE = ['localhost', '127.0.0.0/8', '::1']
const KEY = /^https?(:\/\/[^/?#@]+)?\/?$/i

/** Proxies by scheme (`http`) and by endpoint (`http://hostname`), like botocore's `proxies`. */
export class ProxyTable {
  readonly #proxies: Map<string, ProxyServer> = new Map()
  /** Entries of `no_proxy`; undefined where the environment is not used. */
  readonly #exceptions: readonly string[] | undefined
  /** Passwords and values of `Proxy-Authorization`, for redaction. */
  readonly secrets: string[] = []

  /**
   * Without `proxies`, `http_proxy`, `https_proxy` and `no_proxy` of the environment are used, in lower case or else in capitals, like in
   * Python and curl. Throws `improperly_configured` for an invalid key or address; the message never contains a password.
   * (https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies)
   */
  constructor(given: Readonly<Record<string, string>> | null | undefined, env: Environment = {}) {
    const isGiven = given != null && Object.keys(given).length > 0
    const either = (name: string): string | undefined => env[name] ?? env[name.toUpperCase()]
    const exceptions = (either('no_proxy') ?? '').toLowerCase().split(/[\s,]+/)
    if (!isGiven) this.#exceptions = [...THIS_MACHINE, ...exceptions.filter(Boolean)]
    // In a CGI program, the client controls HTTP_PROXY by a header. (CVE-2016-1000110)
    const http = env['REQUEST_METHOD'] === undefined ? either('http_proxy') : env['http_proxy']
    for (const [key, address] of Object.entries(isGiven ? given : { http, https: either('https_proxy') })) {
      if (!KEY.test(key)) {
        const shown = key.includes('@') ? `***${key.slice(key.lastIndexOf('@'))}` : key
        throw new ImproperlyConfigured(`proxies: the key '${shown}' is neither a scheme nor scheme://hostname.`)
      }
      const what = isGiven ? `proxies: the value of '${key}'` : `${key}_proxy in the environment`
      if (address) this.#proxies.set(key.toLowerCase().replace(/\/$/, ''), parseProxy(what, address, this.secrets))
    }
  }

  /** Returns the proxy for a target; the most specific key wins. `scheme` has no colon, `port` is the effective one. */
  select(scheme: string, hostname: string, port: number): ProxyServer | undefined {
    if (this.#proxies.size === 0) return undefined
    const host = unbracketed(hostname.toLowerCase())
    if (this.#exceptions?.some(entry => isMeant(entry, host, port))) return undefined
    const endpoint = `${scheme}://${hostname}`
    return this.#proxies.get(`${endpoint}:${port}`) ?? this.#proxies.get(endpoint) ?? this.#proxies.get(scheme)
  }
}

const WITH_PORT = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/

/** Whether an entry of `no_proxy` matches a host: a domain, an address, a range of addresses (RFC 4632) or `*`, optionally with a port. */
function isMeant(entry: string, host: string, port: number): boolean {
  const [, place = entry, only] = WITH_PORT.exec(entry) ?? []
  if (only !== undefined && Number(only) !== port) return false
  const [name, bits] = unbracketed(place).split('/') as [string, string?]
  const { BlockList, isIP } = nodeNet()
  const [version, asked] = [isIP(name), isIP(host)]
  if (version !== 0) {
    const longest = version === 4 ? 32 : 128
    const length = bits === undefined ? longest : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    if (asked === 0 || !(length <= longest)) return false
    const range = new BlockList()
    range.addSubnet(name, length, version === 4 ? 'ipv4' : 'ipv6')
    return range.check(host, asked === 4 ? 'ipv4' : 'ipv6')
  }
  // A domain matches at dots only: `example.com` and `.example.com` match that domain and its subdomains.
  const domain = bits === undefined ? name.replace(/^\*?\./, '') : ''
  return domain === '*' || (domain !== '' && (host === domain || host.endsWith(`.${domain}`)))
}

function parseProxy(what: string, address: string, secrets: string[]): ProxyServer {
  const text = address.startsWith('//') ? `http:${address}` : address
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  if (url === null) throw new ImproperlyConfigured(`${what} is not a proxy address such as 'host:3128'.`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ImproperlyConfigured(`${what} has the proxy scheme '${url.protocol}'; expected http or https.`)
  }
  const secure = url.protocol === 'https:'
  const password = decoded(url.password)
  const user = `${decoded(url.username)}:${password}`
  const token = user === ':' ? undefined : Buffer.from(user, 'utf8').toString('base64')
  if (token !== undefined) secrets.push(`Basic ${token}`, token, password)
  return {
    secure,
    hostname: unbracketed(url.hostname),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    authorization: token && `Basic ${token}`,
  }
}
