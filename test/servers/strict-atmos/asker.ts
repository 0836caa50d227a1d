/** Requests to an Atmos server, signed by what its guide says: written apart from the server and from the backend, to judge both. */
import { createHmac } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'

/** What a request to the server is signed with. */
export interface AtmosTarget {
  readonly url: string
  readonly credentials: { readonly uid: string; readonly secret: string }
}

/** One answer. */
export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The code of an error document, 0 without one. */
  readonly code: number
}

/** What is asked besides the method and the path. */
export interface Asked {
  /** An empty list takes a header away. */
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: Buffer | string
  /** Part of the path that is not signed. */
  readonly unsigned?: string
  /** The clock of the request, milliseconds since 1970. */
  readonly now?: number
  /** Takes the place of the signature that is right. */
  readonly signature?: string
}

/** HMAC-SHA1 in base64 with a secret in base64. */
export function hmacOf(secret: string, text: string): string {
  return createHmac('sha1', Buffer.from(secret, 'base64')).update(text).digest('base64')
}

/** The signature of a request: its target decoded and in lower case, then the service's own headers by their names. */
export function signatureOf(
  secret: string,
  method: string,
  target: string,
  headers: Readonly<Record<string, string | string[]>>,
): string {
  const value = (name: string): string => [headers[name] ?? []].flat().join(',')
  const lines = [method, value('content-type'), value('range'), value('date'), decodeURIComponent(target).toLowerCase()]
  for (const name of Object.keys(headers).sort()) {
    if (name.startsWith('x-emc-')) lines.push(`${name}:${value(name).split(' ').filter(Boolean).join(' ')}`)
  }
  return hmacOf(secret, lines.join('\n'))
}

/** Sends one request by `node:http`, with a connection of its own. */
export function send(
  url: string,
  method: string,
  headers: Readonly<Record<string, string | string[]>>,
  body?: Buffer | string,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const { origin, hostname, port } = new URL(url)
    // A URL would be normalised: the path goes out as it is.
    const options = { hostname, port, path: url.slice(origin.length), method, headers, agent: false }
    const asked = httpRequest(options, answer => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.once('error', reject)
      answer.once('end', () => {
        const whole = Buffer.concat(chunks)
        const code = Number(/<Code>(\d+)<\/Code>/.exec(whole.toString('latin1'))?.[1] ?? 0)
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: whole, code })
      })
    })
    asked.once('error', reject)
    asked.end(body)
  })
}

/** Asks with a signature; the path is encoded already. */
export function ask(server: AtmosTarget, method: string, path: string, asked: Asked = {}): Promise<Answered> {
  const date = new Date(asked.now ?? Date.now()).toUTCString()
  const { uid, secret } = server.credentials
  const length = asked.body === undefined ? 0 : Buffer.byteLength(asked.body)
  const headers: Record<string, string | string[]> = {
    'content-type': 'application/octet-stream',
    date,
    'x-emc-date': date,
    'x-emc-uid': uid,
    ...(method === 'POST' || method === 'PUT' ? { 'content-length': String(length) } : {}),
    ...asked.headers,
  }
  for (const [name, value] of Object.entries(headers)) if (value.length === 0) delete headers[name]
  headers['x-emc-signature'] = asked.signature ?? signatureOf(secret, method, path, headers)
  return send(server.url + (asked.unsigned ?? '') + path, method, headers, asked.body)
}
