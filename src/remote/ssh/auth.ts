import { messageOf, StorageError } from '../../core/errors.ts'
import type { LoginKeys } from './keys.ts'
import type { Ask } from './prompts.ts'
import type { AuthStep, PromptHandler, SshConfig } from './ssh2.ts'

/** The credentials of a login. */
export interface Login {
  readonly username: string
  /** `username@host`, for prompts. */
  readonly account: string
  readonly password: string | undefined
  readonly keys: LoginKeys
  /** Socket of the agent whose keys are tried. */
  readonly agent: string | undefined
  readonly ask: Ask | undefined
  readonly signal: AbortSignal
  /** Called with the password that a person entered, for later connections. */
  learnt(password: string): void
  /** Called when waiting for a person begins and ends: timeouts are paused. */
  waiting(isWaiting: boolean): void
}

/** One way to log in; undefined if it turns out not to be available. */
interface Attempt {
  readonly method: 'publickey' | 'password' | 'keyboard-interactive'
  readonly what: string
  step(): AuthStep | undefined | Promise<AuthStep | undefined>
}

/**
 * Tries keys and the password in order. The ones in the settings come first, since servers count failures (sshd: six). The password also
 * answers the only hidden prompt of a server that uses keyboard-interactive. (RFC 4252, RFC 4256)
 */
export class Authentication {
  readonly #login: Login
  readonly #attempts: Attempt[]
  readonly #tried: string[] = []
  #begun = false
  #password: string | undefined
  #methods: readonly string[] = []
  #error: unknown
  /** A prompt without an answer. */
  #unanswered: string | undefined

  constructor(login: Login) {
    this.#login = login
    this.#password = login.password
    const { keys, agent, username } = login
    const key =
      (what: string) =>
      (each: LoginKeys['named'][number]): Attempt => ({
        method: 'publickey',
        what,
        step: () => ({ type: 'publickey', username, key: each }),
      })
    const named = keys.named.map(key('key'))
    const found = keys.found.map(key('key in ~/.ssh'))
    const agents: Attempt[] =
      agent === undefined
        ? []
        : [{ method: 'publickey', what: 'agent', step: () => ({ type: 'agent', username, agent }) }]
    const password: Attempt = { method: 'password', what: 'password', step: () => this.#passwordStep() }
    const prompts: Attempt = { method: 'keyboard-interactive', what: 'prompts', step: () => this.#promptStep() }
    // A person is prompted only if nothing else is left.
    this.#attempts =
      login.password === undefined
        ? [...named, ...agents, ...found, password, prompts]
        : [...named, password, prompts, ...agents, ...found]
  }

  /** Passes ssh2 one step after another. */
  readonly handler: SshConfig['authHandler'] = (methodsLeft, _partial, next) => {
    if (!this.#begun) {
      this.#begun = true
      return next({ type: 'none', username: this.#login.username })
    }
    this.#methods = methodsLeft ?? []
    this.#next().then(next, error => {
      this.#error = error
      next(false)
    })
  }

  /** The result of the failed login, for the error. */
  get failure(): { readonly text: string; readonly cause: unknown } {
    const tried = this.#tried.length === 0 ? 'nothing could be tried' : `tried: ${this.#tried.join(', ')}`
    const takes = this.#methods.length === 0 ? '' : `; it takes ${this.#methods.join(', ')}`
    const asked = this.#unanswered === undefined ? '' : `; it asks '${this.#unanswered}', see the setting interactive`
    return { text: `${tried}${takes}${asked}`, cause: this.#error }
  }

  async #next(): Promise<AuthStep | false> {
    for (let attempt = this.#attempts.shift(); attempt !== undefined; attempt = this.#attempts.shift()) {
      if (!this.#methods.includes(attempt.method)) {
        // A server accepts other methods after the first of two factors.
        this.#later.push(attempt)
        continue
      }
      const step = await attempt.step()
      if (step === undefined) continue
      this.#tried.push(attempt.what)
      this.#attempts.unshift(...this.#later.splice(0))
      return step
    }
    return false
  }

  readonly #later: Attempt[] = []

  async #passwordStep(): Promise<AuthStep | undefined> {
    const { username, account, ask } = this.#login
    if (this.#password === undefined && ask !== undefined) {
      const prompts = [{ prompt: `${account}'s password: `, echo: false }]
      const [password] = await this.#ask(ask, { name: '', instructions: '', prompts })
      this.#password = password
      if (password !== undefined) this.#login.learnt(password)
    }
    return this.#password === undefined ? undefined : { type: 'password', username, password: this.#password }
  }

  #promptStep(): AuthStep | undefined {
    const { username, ask } = this.#login
    // The password was refused already.
    const useful = ask !== undefined || (this.#password !== undefined && !this.#tried.includes('password'))
    return useful || this.#tried.length > 0
      ? { type: 'keyboard-interactive', username, prompt: (...given) => this.#answer(...given) }
      : undefined
  }

  readonly #answer: PromptHandler = (name, instructions, _language, prompts, finish) => {
    const [first] = prompts
    const isPassword = prompts.length === 1 && first!.echo !== true
    if (isPassword && this.#password !== undefined && !this.#tried.includes('password')) {
      this.#tried.push('password')
      return finish([this.#password])
    }
    const { ask } = this.#login
    if (ask === undefined) {
      this.#unanswered = first?.prompt.trim().slice(0, 80)
      return finish(prompts.map(() => ''))
    }
    const asked = prompts.map(({ prompt, echo }) => ({ prompt, echo: echo === true }))
    this.#ask(ask, { name, instructions, prompts: asked }).then(
      answers => finish(prompts.map((_, at) => `${answers[at] ?? ''}`)),
      error => {
        this.#error = error
        finish(prompts.map(() => ''))
      },
    )
  }

  async #ask(ask: Ask, question: Parameters<Ask>[0]): Promise<readonly string[]> {
    const { signal, waiting } = this.#login
    waiting(true)
    try {
      return await ask(question, { signal })
    } catch (error) {
      if (error instanceof StorageError) throw error
      const text = `The login of '${this.#login.username}' needs an answer, and there was none: ${messageOf(error)}`
      throw new StorageError('permission_denied', text, { cause: error, outcome: 'not_applied' })
    } finally {
      waiting(false)
    }
  }
}
