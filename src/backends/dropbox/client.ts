import { nodeCrypto } from '../../core/builtin.ts'
import type { CallContext } from '../../core/call.ts'
import { StorageError } from '../../core/errors.ts'
import { Once } from '../../core/once.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/request.ts'
import { type Expected, textOf } from '../../remote/answers.ts'
import type { Bytes } from '../../remote/checksums.ts'
import type { HttpStatusError } from '../../remote/http-error.ts'
import { hidingSecrets } from '../../remote/secrets.ts'
import { type Lesson, Service, type ServiceRequest } from '../../remote/service.ts'
import { classifyDropbox, DropboxError, dropboxError, type Fields, fieldsOf } from './errors.ts'
import { type TokenOptions, Tokens } from './tokens.ts'

/** The address of a client's requests and its credentials. */
export interface ClientOptions extends TokenOptions {
  /** Without a slash at its end. */
  readonly apiUrl: string
  readonly contentUrl: string
  /** Whether paths start at the root of the team, not in the user's own folder. */
  readonly teamRoot: boolean
}

/** One call of the API. */
export interface DropboxRequest extends ServiceRequest {
  readonly method: 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Bytes | undefined
  readonly expected: Expected
  /** Whether the request is sent without the root of the team, since it asks for that root. */
  readonly isHome?: boolean | undefined
}

/** Options of an API call about its answer. */
export interface RpcOptions {
  /** Fields that the answer must have. */
  readonly fields?: readonly string[] | undefined
  readonly lists?: readonly string[] | undefined
  /** Whether the call changes nothing. */
  readonly reads?: boolean | undefined
  readonly isHome?: boolean | undefined
}

const ROOT_HEADER = 'dropbox-api-path-root'

/** The calls of one storage. The client renews an expired token, and finds the root of the team if the options require it. */
export class DropboxClient {
  readonly #options: ClientOptions
  readonly #http: HttpClient
  readonly #tokens: Tokens
  readonly #service: Service<DropboxRequest, undefined>
  readonly #root: Once<string> = new Once()
  readonly #account: Once<string> = new Once()

  constructor(options: ClientOptions, http: HttpClient) {
    this.#options = options
    this.#http = http
    this.#tokens = new Tokens(options, options.apiUrl, http)
    this.#service = new Service<DropboxRequest, undefined>(
      {
        expected: ({ expected }) => expected,
        prepare: (request, _known, ctx) => this.#prepared(request, ctx),
        refuse: (_request, { wire, hide }, answer) => dropboxError(wire, answer, hide),
        learn: (error, _known, { isHome }, { credential }) => this.#learn(error, credential, isHome),
      },
      http,
      undefined,
    )
  }

  /** Calls a function of the API with JSON; returns its JSON answer. */
  async rpc(path: string, arg: object | null, ctx: CallContext, options: RpcOptions = {}): Promise<Fields> {
    const { fields, lists, reads = false, isHome } = options
    const request: DropboxRequest = {
      method: 'POST',
      url: `${this.#options.apiUrl}/2/${path}`,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(arg)),
      expected: { statuses: [200], fields, lists },
      reads,
      isHome,
    }
    return (await this.#service.json<Record<string, unknown>>(request, ctx)).value
  }

  /** Sends bytes to a function; returns its JSON answer, which has these fields. */
  async upload(path: string, arg: object, body: Bytes, fields: readonly string[], ctx: CallContext): Promise<Fields> {
    const request = this.#content(path, arg, { statuses: [200], fields }, { body })
    return (await this.#service.json<Record<string, unknown>>(request, ctx)).value
  }

  /** Sends bytes to a function whose answer is empty. */
  async append(path: string, arg: object, body: Bytes, ctx: CallContext): Promise<void> {
    await this.#service.done(this.#content(path, arg, { statuses: [200] }, { body }), ctx)
  }

  /** Sends a request whose answer is a file's bytes. Their metadata is in the header `dropbox-api-result`. */
  download(path: string, arg: object, range: string | undefined, ctx: CallContext): Promise<HttpResponse> {
    const statuses = range === undefined ? [200] : [200, 206]
    const headers: Record<string, string> = range === undefined ? {} : { range }
    return this.#service.send(this.#content(path, arg, { statuses, headers: [RESULT_HEADER] }, { headers }), ctx)
  }

  #content(
    path: string,
    arg: object,
    expected: Expected,
    { body, headers }: { readonly body?: Bytes; readonly headers?: Readonly<Record<string, string>> },
  ): DropboxRequest {
    const type = body === undefined ? {} : { 'content-type': 'application/octet-stream' }
    return {
      method: 'POST',
      url: `${this.#options.contentUrl}/2/${path}`,
      headers: { ...type, ...headers, 'dropbox-api-arg': asciiJson(arg) },
      body,
      expected,
      reads: body === undefined,
    }
  }

  async #prepared({ method, url, headers: own, body, reads, isHome }: DropboxRequest, ctx: CallContext) {
    const token = await this.#tokens.get(ctx.signal)
    const headers: Record<string, string> = { ...own, authorization: `Bearer ${token.text}` }
    if (this.#options.teamRoot && isHome !== true) {
      const root = this.#root.value ?? (await this.#root.get(ctx, shared => this.#teamRoot({ ...ctx, ...shared })))
      headers[ROOT_HEADER] = asciiJson({ '.tag': 'root', root })
    }
    const wire: HttpRequest = { method, url, headers, body, repeatable: reads }
    const ofClient = (): readonly string[] => this.#http.secrets ?? []
    const others = [token.text, ...this.#tokens.secrets]
    return { wire, hide: hidingSecrets({ headers, names: [], others, ofClient }), credential: token as object }
  }

  /** The namespace of the team's root, for any kind of root of the account. (https://developers.dropbox.com/dbx-team-files-guide) */
  async #teamRoot(ctx: CallContext): Promise<string> {
    const options = { fields: ['root_info'], reads: true, isHome: true }
    const { root_info: info } = await this.rpc('users/get_current_account', null, ctx, options)
    const root = textOf(fieldsOf(info)['root_namespace_id'])
    if (root !== undefined) return root
    throw new StorageError('unavailable', 'The account does not report the root of its team.', {
      outcome: 'not_applied',
    })
  }

  /**
   * Returns an identity of the account, the same text for all its tokens. Sends one request, once. A token without the scope `account_info.read` is
   * identified by its hash.
   */
  async account(ctx: CallContext): Promise<string> {
    return this.#account.value ?? (await this.#account.get(ctx, shared => this.#accountId({ ...ctx, ...shared })))
  }

  async #accountId(ctx: CallContext): Promise<string> {
    const { apiUrl, oauth2RefreshToken, oauth2AccessToken, teamRoot } = this.#options
    const base = `${apiUrl}${teamRoot ? ' team' : ''}`
    try {
      const options = { fields: ['account_id'], reads: true, isHome: true }
      const { account_id: id } = await this.rpc('users/get_current_account', null, ctx, options)
      return `${base} ${textOf(id) ?? ''}`
    } catch (error) {
      if (classifyDropbox(error) !== 'permission_denied') throw error
      const token = oauth2RefreshToken ?? oauth2AccessToken ?? ''
      return `${base} ${nodeCrypto().hash('sha256', token, 'hex').slice(0, 16)}`
    }
  }

  /** Learns that a token has expired, or that the root of the team has changed. */
  #learn(error: HttpStatusError, credential: unknown, isHome: boolean | undefined): Lesson<undefined> | undefined {
    const [tag = ''] = error instanceof DropboxError ? error.tags : []
    if (/^(?:expired|invalid)_access_token$/.test(tag)) {
      return this.#tokens.drop(credential) ? { about: 'token', known: undefined } : undefined
    }
    if (tag !== 'invalid_root' || !this.#options.teamRoot || isHome === true) return undefined
    this.#root.forget()
    return { about: 'root', known: undefined }
  }
}

/** The header with the metadata of the file whose bytes an answer contains. */
export const RESULT_HEADER = 'dropbox-api-result'

/** JSON in pure ASCII for headers: DEL and all characters above are escaped, characters beyond the BMP as two escapes. */
export function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[\x7f-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
