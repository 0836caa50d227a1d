import { nodeCrypto } from '../core/builtin.ts'

type Handler = (request: Request) => Promise<Response>

/** The access rules of a page of this machine. */
export interface PageGuard {
  /** The token in the printed URL. */
  readonly token: string
  /** The port, part of the cookie's name: cookies of one host are shared by all of its ports. */
  readonly port: number
  /** The host on which the server listens, as named on the command line. */
  readonly host: string
}

/**
 * Allows a handler only for clients that have opened the page once with its token. The token becomes a cookie that scripts cannot read and
 * that other sites cannot send, and is removed from the address bar. (OWASP Session Management Cheat Sheet)
 */
export function guardPage(handler: Handler, { token, port }: PageGuard): Handler {
  const name = `holdall_${port}`
  const session = newSecret()
  return async request => {
    const url = new URL(request.url)
    const given = url.searchParams.get('token')
    if (url.pathname === '/' && given !== null) {
      if (!isEqual(given, token))
        return refusal('The token of the URL is not valid. Open the URL that holdall serve printed last.')
      return admission(request, `${name}=${session}; Path=/; HttpOnly; SameSite=Strict`)
    }
    if (!isEqual(cookieOf(request, name) ?? '', session)) return refusal('Open the URL that holdall serve printed.')
    return handler(request)
  }
}

/**
 * Rejects requests for another host name. A foreign page can send them after its own name was pointed to this machine (DNS rebinding).
 * Numeric addresses, `localhost` and the named host are accepted.
 */
export function guardHost(handler: Handler, { host }: Pick<PageGuard, 'host'>): Handler {
  return async request => {
    const name = URL.parse(`http://${request.headers.get('host') ?? ''}`)?.hostname ?? ''
    const isAddress = /^(?:\d+\.\d+\.\d+\.\d+|\[[\da-f:.]+\])$/.test(name)
    if (isAddress || name === 'localhost' || name === host.toLowerCase()) return handler(request)
    return refusal('The request names another host.')
  }
}

/** Returns 128 random bits, short enough for a URL that is read by people. */
export function newSecret(): string {
  return nodeCrypto().randomBytes(16).toString('base64url')
}

function isEqual(given: string, expected: string): boolean {
  const { createHash, timingSafeEqual } = nodeCrypto()
  const [a, b] = [given, expected].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(a!, b!)
}

function cookieOf(request: Request, name: string): string | undefined {
  const pairs = (request.headers.get('cookie') ?? '').split(';').map(pair => pair.trim())
  return pairs.find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

/**
 * Sets the cookie and goes to the page. A browser that came from another site would not send the cookie after a redirect, but does after a
 * refresh.
 */
function admission(request: Request, cookie: string): Response {
  const headers = { ...HEADERS, 'set-cookie': cookie }
  const site = request.headers.get('sec-fetch-site')
  if (site === null || site === 'none' || site === 'same-origin') {
    return new Response(null, { status: 303, headers: { ...headers, location: '/' } })
  }
  const html = '<!doctype html><meta http-equiv="refresh" content="0; url=/"><title>Files</title>'
  return new Response(html, { headers: { ...headers, 'content-type': 'text/html; charset=utf-8' } })
}

function refusal(text: string): Response {
  const headers = { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }
  return new Response(`403 Forbidden: ${text}\n`, { status: 403, headers })
}
