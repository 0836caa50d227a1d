/** What keeps other sites, and what was uploaded, from acting in the name of the person in front of the page. */
import { Refusal } from './refusal.ts'

const SAFE_METHODS = ['GET', 'HEAD']
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Refuses a request for a host that is not ours (an address of a stranger's domain can lead here as well: DNS rebinding), and a change that a page
 * of another site asks for (CSRF). Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; programs, which send neither, hold no one's cookies.
 */
export function checkOrigin({ method, headers }: Request, allowedHosts: readonly string[] = LOOPBACK): void {
  const host = headers.get('host') ?? ''
  if (!allowedHosts.includes(host.replace(/:\d+$/, '').toLowerCase())) {
    throw new Refusal(421, 'This host is not served here. Name it in ALLOWED_HOSTS.')
  }
  if (SAFE_METHODS.includes(method)) return
  const site = headers.get('sec-fetch-site')
  const origin = headers.get('origin')
  const isOwn = site === null ? origin === null || hostOf(origin) === host : site === 'same-origin'
  if (!isOwn) throw new Refusal(403, 'This form was sent from another site.')
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host
}

/** The headers of every page. Scripts and styles come from here alone, pictures from here and from where the files are. */
export function pageHeaders(pictureOrigins: Iterable<string>): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    ["img-src 'self'", ...new Set(pictureOrigins)].join(' '),
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  }
}

/** The same file, which no page of another site can take in. `holdall/serve` has seen to it that no script runs in it. */
export function privateFile(response: Response): Response {
  response.headers.set('cross-origin-resource-policy', 'same-origin')
  response.headers.set('referrer-policy', 'no-referrer')
  return response
}
