import type { BlockList } from 'node:net'
import { nodeNet } from '../core/builtin.ts'
import { unbracketed } from './request.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The proxies that the environment names, by scheme. */
export interface EnvironmentProxies {
  readonly proxies: Readonly<Record<string, string>>
  /** Whether a host is reached without a proxy. */
  isDirect(hostname: string, port: number): boolean
}

/** One entry of `no_proxy`: a domain, an address, a range of addresses or `*`, perhaps with a port. */
interface Exception {
  readonly host: string
  readonly port: number | undefined
  readonly range: BlockList | undefined
}

/**
 * Reads `http_proxy`, `https_proxy` and `no_proxy`, in lower case or else in capitals, as Python and curl do. This machine itself is
 * always reached directly. (https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies)
 */
export function environmentProxies(env: Environment): EnvironmentProxies {
  // In a CGI program HTTP_PROXY is a header of the client. (CVE-2016-1000110)
  const http = env['REQUEST_METHOD'] === undefined ? either(env, 'http_proxy') : env['http_proxy']
  const https = either(env, 'https_proxy')
  const entries = (either(env, 'no_proxy') ?? '').toLowerCase().split(/[\s,]+/)
  let exceptions: Exception[] | undefined
  return {
    proxies: { ...(http && { http }), ...(https && { https }) },
    isDirect(hostname, port) {
      const host = unbracketed(hostname.toLowerCase())
      if (isThisMachine(host)) return true
      exceptions ??= entries.filter(Boolean).map(parseException)
      return exceptions.some(exception => isExcepted(exception, host, port))
    },
  }
}

function either(env: Environment, name: string): string | undefined {
  return env[name] ?? env[name.toUpperCase()]
}

function isThisMachine(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1') return true
  return nodeNet().isIPv4(host) && host.startsWith('127.')
}

const WITH_PORT = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/

function parseException(entry: string): Exception {
  const [, hostPart = entry, portPart] = WITH_PORT.exec(entry) ?? []
  const [address, bits] = unbracketed(hostPart).split('/') as [string, string | undefined]
  const port = portPart === undefined ? undefined : Number(portPart)
  return { host: bits === undefined ? address.replace(/^\*?\./, '') : '', port, range: rangeOf(address, bits) }
}

/** The addresses of an entry, where it is an address or a range (RFC 4632): `10.0.0.0/8`, `fd00::/8`. */
function rangeOf(address: string, bits: string | undefined): BlockList | undefined {
  const { BlockList, isIP } = nodeNet()
  const version = isIP(address)
  const longest = version === 4 ? 32 : 128
  if (version === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= longest))) return undefined
  const range = new BlockList()
  range.addSubnet(address, bits === undefined ? longest : Number(bits), version === 4 ? 'ipv4' : 'ipv6')
  return range
}

function isExcepted({ host: domain, port: only, range }: Exception, host: string, port: number): boolean {
  if (only !== undefined && only !== port) return false
  if (range !== undefined) {
    const version = nodeNet().isIP(host)
    return version !== 0 && range.check(host, version === 4 ? 'ipv4' : 'ipv6')
  }
  // A name matches at its dots only: `example.com` and `.example.com` mean that domain and those below it.
  return domain === '*' || (domain !== '' && (host === domain || host.endsWith(`.${domain}`)))
}
