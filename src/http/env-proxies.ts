import { isIPv4 } from 'node:net'
import { unbracketed } from './connect.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The proxies that the environment names, by scheme. */
export interface EnvironmentProxies {
  readonly proxies: Readonly<Record<string, string>>
  /** Whether a host is reached without a proxy. */
  isDirect(hostname: string, port: number): boolean
}

/**
 * Reads `http_proxy`, `https_proxy` and `no_proxy`, in lower case or else in capitals, as Python and curl do. This machine itself is
 * always reached directly. (https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies)
 */
export function environmentProxies(env: Environment): EnvironmentProxies {
  // In a CGI program HTTP_PROXY is a header of the client. (CVE-2016-1000110)
  const http = env['REQUEST_METHOD'] === undefined ? either(env, 'http_proxy') : env['http_proxy']
  const https = either(env, 'https_proxy')
  const direct = (either(env, 'no_proxy') ?? '').toLowerCase().split(/[\s,]+/)
  return {
    proxies: { ...(http && { http }), ...(https && { https }) },
    isDirect(hostname, port) {
      const host = unbracketed(hostname.toLowerCase())
      return isThisMachine(host) || direct.some(entry => entry === '*' || isBelow(host, port, entry))
    },
  }
}

function either(env: Environment, name: string): string | undefined {
  return env[name] ?? env[name.toUpperCase()]
}

function isThisMachine(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1') return true
  return isIPv4(host) && host.startsWith('127.')
}

/** Whether an entry of `no_proxy` names the host or a domain around it, perhaps with a port: `.example.com`, `10.0.0.1:9000`. */
function isBelow(host: string, port: number, entry: string): boolean {
  const domain = unbracketed(entry).replace(/^\*?\./, '')
  if (domain === '') return false
  return [host, `${host}:${port}`].some(name => name === domain || name.endsWith(`.${domain}`))
}
