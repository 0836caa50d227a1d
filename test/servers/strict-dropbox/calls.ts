/** One call of a function: who asks, with which argument, and whether it is made as it must be. */
import { baseOf, tokenOf } from './auth.ts'
import type { DropboxAnswer, Identity, ServerState } from './context.ts'
import { badInput, DropboxError, tooMany } from './errors.ts'
import type { DropboxRequest } from './request.ts'
import { hostOf, type Route, routes } from './routes.ts'
import { BadArgument } from './schema.ts'

const RPC_TYPES = ['application/json', 'application/json; charset=utf-8', 'text/plain; charset=dropbox-cors-hack']
const UPLOAD_TYPES = ['application/octet-stream', 'text/plain; charset=dropbox-cors-hack']
const DOWNLOAD_TYPES = [
  'text/plain',
  'text/plain; charset=utf-8',
  'application/octet-stream',
  'application/octet-stream; charset=utf-8',
]

/** The function that a request calls; 400 for an unknown one and for the wrong host. */
export function routeOf({ route: name = '', host, method }: DropboxRequest): Route {
  const route = Object.hasOwn(routes, name) ? routes[name] : undefined
  if (route === undefined) throw badInput(`Unknown API function: "${name}"`)
  if (host !== hostOf(route)) {
    throw badInput(
      `Incorrect host for API function "${name}". You must issue the request to "${hostOf(route)}.dropboxapi.com".`,
    )
  }
  const isRead = route.style === 'download' && method === 'GET'
  if (method !== 'POST' && !isRead) throw new DropboxError(405, 'method', 'Method Not Allowed', { form: 'text' })
  return route
}

/** Who calls, and the argument of a function of the content host: all that can be checked before the body is asked for. */
export function identify(request: DropboxRequest, state: ServerState): Identity {
  const route = routeOf(request)
  const token = tokenOf(request, state, route.scope)
  const base = baseOf(request, state)
  if (route.style === 'rpc') return { token, base, arg: undefined }
  const type = request.headers['content-type']
  if (route.style === 'upload' || type !== undefined) {
    checkType(type, route.style === 'upload' ? UPLOAD_TYPES : DOWNLOAD_TYPES)
  }
  return { token, base, arg: readArg(route, ...givenArg(request)) }
}

function checkType(type: string | undefined, expected: readonly string[]): void {
  if (type === undefined || type === '') throw badInput('Missing or empty HTTP "Content-Type" header.')
  if (expected.includes(type.toLowerCase().replace(/;\s*/, '; '))) return
  const list = expected.map(one => `"${one}"`).join(', ')
  throw badInput(`Bad HTTP "Content-Type" header: "${type}".  Expecting one of ${list}.`)
}

/** The text of an argument and where it was. */
function givenArg({ headers, query }: DropboxRequest): [text: string, where: string] {
  const header = headers['dropbox-api-arg']
  const parameter = query['arg']
  if (header !== undefined && parameter !== undefined) {
    throw badInput(
      'You must provide the arguments in the HTTP header "Dropbox-API-Arg" or the URL parameter "arg", not both.',
    )
  }
  if (header === undefined && parameter === undefined) {
    throw badInput('Must provide HTTP header "Dropbox-API-Arg" or URL parameter "arg".')
  }
  if (header === undefined) return [parameter as string, 'URL parameter "arg"']
  const where = 'HTTP header "Dropbox-API-Arg"'
  // Node gives the bytes of a header as Latin-1; the service wants them in ASCII.
  if (/[^\x20-\x7e]/.test(header)) throw badInput(`${where}: could not decode input as JSON`)
  return [header, where]
}

function readArg(route: Route, text: string, where: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw badInput(`${where}: could not decode input as JSON`)
  }
  if (route.arg === undefined) {
    if (value === null) return undefined
    throw badInput(`${where}: expected null, got value`)
  }
  try {
    return route.arg.read(value, '')
  } catch (error) {
    if (error instanceof BadArgument) throw badInput(`${where}: ${error.message}`)
    throw error
  }
}

function rpcArg(route: Route, { headers, body }: DropboxRequest): unknown {
  const type = headers['content-type']
  if (route.arg === undefined && type === undefined && body.length === 0) return undefined
  checkType(type, RPC_TYPES)
  const text = body.toString('utf8')
  if (!Buffer.from(text, 'utf8').equals(body)) throw badInput('request body: could not decode input as JSON')
  return readArg(route, text, 'request body')
}

/** Carries a call out; 429 for a write while another one is under way, where the server has it so. */
export async function call(request: DropboxRequest, identity: Identity, state: ServerState): Promise<DropboxAnswer> {
  const route = routeOf(request)
  const arg = route.style === 'rpc' ? rpcArg(route, request) : identity.arg
  const context = { state, request, base: identity.base }
  const work = (): DropboxAnswer => worked(() => route.run(context, arg))
  const { writeMs, busySecs = 1 } = state.options
  if (!route.writes || writeMs === undefined) return work()
  if (state.writing) throw tooMany('too_many_write_operations', busySecs)
  state.writing = true
  try {
    return work()
  } finally {
    setTimeout(() => {
      state.writing = false
    }, writeMs).unref()
  }
}

/** What a function finds wrong with its argument is told as what its type does. */
function worked(work: () => DropboxAnswer): DropboxAnswer {
  try {
    return work()
  } catch (error) {
    if (error instanceof BadArgument) throw badInput(`request body: ${error.message}`)
    throw error
  }
}
