import { onAbort } from '../../core/abort.ts'
import type { CallContext } from '../../core/call.ts'
import { ImproperlyConfigured, isStorageError, messageOf, StorageError } from '../../core/errors.ts'
import { Once, type SharedContext } from '../../core/once.ts'
import { Authentication } from '../../remote/ssh/auth.ts'
import { loginName } from '../../remote/ssh/home.ts'
import { HostTrust } from '../../remote/ssh/host-trust.ts'
import { loadKeys } from '../../remote/ssh/keys.ts'
import { connectSocket, Link, lost, timedOut } from '../../remote/ssh/link.ts'
import type { ConnectParams } from '../../remote/ssh/params.ts'
import { type Ask, terminalAsk } from '../../remote/ssh/prompts.ts'
import { type Algorithms, loadSsh2, type SshClient, type SshConfig } from '../../remote/ssh/ssh2.ts'
import { Channel } from './channel.ts'

/** How to reach a server. */
export interface ConnectionsOptions {
  readonly host: string
  readonly params: ConnectParams
  readonly interactive: boolean | Ask
  readonly knownHostFile: string | null
  readonly hostKey: string | null
  readonly unknownHosts: 'refuse' | 'accept'
  /** Timeout of a request in seconds; null = no timeout. */
  readonly timeoutSecs: number | null
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Ciphers with hardware support, which are preferred. */
const FAST_CIPHERS: readonly string[] = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com']
/** Interval in milliseconds in which waiting for a person counts as progress. */
const BEAT_MS = 1000
const MAX_TRIES = 5

/** The SSH connections to one server, and the SFTP sessions on them: as many per connection as the server allows. */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #links = new Set<Link>()
  readonly #next = new Once<Link>()
  /** A password that a person entered. */
  #password: string | undefined

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  /** Opens a session, on an existing connection or on a new one. */
  async open(ctx: CallContext): Promise<Channel> {
    const { params, timeoutSecs } = this.#options
    for (let tries = 1; ; tries++) {
      const link = this.#roomy() ?? (await this.#connected(ctx))
      const session = await link.session(ctx.signal, params.channelTimeout)
      if (session !== undefined) return new Channel(session, link, timeoutSecs === null ? null : timeoutSecs * 1000)
      if (tries === MAX_TRIES) throw new StorageError('unavailable', 'The server opens no further SFTP session.')
    }
  }

  #roomy(): Link | undefined {
    for (const link of this.#links) {
      if (!link.isAlive) this.#links.delete(link)
      else if (link.hasRoom) return link
    }
    return undefined
  }

  /** A new connection, shared by all calls that ask meanwhile. */
  async #connected(ctx: CallContext): Promise<Link> {
    const link = await this.#next.get(ctx, shared => this.#connect(shared))
    this.#next.forget()
    this.#links.add(link)
    return link
  }

  async #connect({ signal, progress }: SharedContext): Promise<Link> {
    const { host, params, env, interactive } = this.#options
    if (host === '') throw new ImproperlyConfigured('SFTP_STORAGE_HOST: the host must be given.')
    const username = params.username ?? loginName(env)
    if (username === undefined) throw new ImproperlyConfigured('SFTP_STORAGE_PARAMS: username must be given.')
    const ssh2 = await loadSsh2()
    const trust = await HostTrust.load({ ...this.#options, port: params.port })
    const keys = await loadKeys(ssh2, params)
    const socket = await connectSocket(host, params.port, params.timeout, signal)
    progress()
    const client = new ssh2.Client()
    const clock = new LoginClock(params, progress)
    const authentication = new Authentication({
      username,
      account: `${username}@${host}`,
      password: params.password ?? this.#password,
      keys,
      agent: params.allowAgent ? env['SSH_AUTH_SOCK'] || undefined : undefined,
      ask: typeof interactive === 'function' ? interactive : interactive ? terminalAsk() : undefined,
      signal,
      learnt: password => {
        this.#password = password
      },
      waiting: isWaiting => clock.pause(isWaiting),
    })
    const config: Omit<SshConfig, 'hostVerifier'> = {
      sock: socket,
      username,
      readyTimeout: 0,
      authHandler: authentication.handler,
      algorithms: algorithms(params, trust),
    }
    try {
      await ready(client, config, trust, authentication, clock, signal)
      return new Link(client, socket)
    } catch (error) {
      socket.destroy()
      // The person typed a wrong password, so the next login prompts again.
      if (isStorageError(error, 'permission_denied')) this.#password = undefined
      throw error
    }
  }
}

/** The timeouts of a login's steps. They are paused while a person is prompted. */
class LoginClock {
  readonly #params: ConnectParams
  readonly #progress: () => void
  #timer: NodeJS.Timeout | undefined
  #beat: NodeJS.Timeout | undefined
  #fail: (error: StorageError) => void = () => undefined
  #isLogin = false

  constructor(params: ConnectParams, progress: () => void) {
    this.#params = params
    this.#progress = progress
  }

  /** Waits for the server's host key. */
  start(fail: (error: StorageError) => void): void {
    this.#fail = fail
    this.#set()
  }

  /** The server has sent its host key; now waits for the answer to the login. */
  login(): void {
    this.#isLogin = true
    this.#progress()
    this.#set()
  }

  pause(isPaused: boolean): void {
    this.stop()
    if (isPaused) this.#beat = setInterval(this.#progress, BEAT_MS)
    else this.#set()
  }

  stop(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#beat)
  }

  #set(): void {
    this.stop()
    const { authTimeout, bannerTimeout } = this.#params
    const [secs, name, what] = this.#isLogin
      ? ([authTimeout, 'auth_timeout', 'not answered the login'] as const)
      : ([bannerTimeout, 'banner_timeout', 'not shown its key'] as const)
    this.#timer = setTimeout(() => this.#fail(timedOut(name, what, secs)), secs * 1000)
  }
}

/** Does the handshake and the login. */
function ready(
  client: SshClient,
  config: Omit<SshConfig, 'hostVerifier'>,
  trust: HostTrust,
  authentication: Authentication,
  clock: LoginClock,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isLogin = false
    let refusal: StorageError | undefined
    let last: Error | undefined
    const over = (): void => {
      clock.stop()
      off()
    }
    const fail = (error: unknown): void => {
      over()
      reject(error)
      client.destroy()
    }
    const off = onAbort(signal, () => fail(signal.reason))
    clock.start(fail)
    // The listener stays forever: late errors must not end the process.
    client.on('error', error => {
      // The agent does not answer; other methods may succeed.
      if (error.level === 'agent') return
      last = error
      if (refusal !== undefined) fail(refusal)
      else if (error.level === 'client-authentication') fail(notLoggedIn(config.username, authentication))
      else fail(isLogin ? closedLogin(config.username, error, authentication) : failedHandshake(error))
    })
    client.on('close', () => fail(refusal ?? lost(last)))
    client.on('handshake', () => {
      isLogin = true
      clock.login()
    })
    client.on('ready', () => {
      over()
      resolve()
    })
    const hostVerifier = (key: Buffer): boolean => {
      refusal = trust.refusal(key)
      return refusal === undefined
    }
    try {
      signal.throwIfAborted()
      client.connect({ ...config, hostVerifier })
    } catch (error) {
      fail(error)
    }
  })
}

function notLoggedIn(username: string, { failure }: Authentication): StorageError {
  if (failure.cause instanceof StorageError) return failure.cause
  const text = `The server refused the login of '${username}' (${failure.text}).`
  return new StorageError('permission_denied', text, { cause: failure.cause, outcome: 'not_applied' })
}

/** The error of a server that ended the connection during the login. */
function closedLogin(username: string, error: Error, { failure }: Authentication): StorageError {
  const isRefusal = /auth/i.test(error.message)
  const text = `The server ended the login of '${username}': ${messageOf(error)} (${failure.text}).`
  return new StorageError(isRefusal ? 'permission_denied' : 'unavailable', text, {
    cause: error,
    outcome: 'not_applied',
  })
}

function failedHandshake(error: Error): StorageError {
  const isMismatch = /no matching|handshake failed/i.test(error.message)
  const text = `The connection to the server failed: ${messageOf(error)}.`
  return new StorageError(isMismatch ? 'unsupported' : 'unavailable', text, { cause: error, outcome: 'not_applied' })
}

function algorithms({ disabledAlgorithms, compress }: ConnectParams, trust: HostTrust): SshConfig['algorithms'] {
  const { kex, keys, ciphers, macs, compression } = disabledAlgorithms
  const fast = FAST_CIPHERS.filter(each => !ciphers.includes(each))
  const packed: Algorithms = { remove: ['none', ...compression], append: compression.includes('none') ? [] : ['none'] }
  return {
    kex: { remove: kex },
    serverHostKey: trust.algorithms(keys),
    cipher: { remove: [...FAST_CIPHERS, ...ciphers], prepend: fast },
    hmac: { remove: macs },
    compress: compress ? packed : { remove: compression },
  }
}
