/** Who may log in to an SFTP server, and how. */
import { timingSafeEqual } from 'node:crypto'
import type { AuthContext, AuthenticationType, KeyboardAuthContext, PublicKeyAuthContext } from 'ssh2'
import ssh2 from 'ssh2'

/** One question of keyboard-interactive. */
export interface Question {
  readonly prompt: string
  /** Whether the answer is shown as it is typed. */
  readonly echo: boolean
  readonly answer: string
}

/** An account; the methods that it has no words for are refused. */
export interface Account {
  readonly password?: string
  /** Lines of authorized_keys. */
  readonly keys?: readonly string[]
  /** Rounds of questions, each asked at once. */
  readonly rounds?: readonly (readonly Question[])[]
  /** What is said before the questions. */
  readonly instruction?: string
  /** Whether it needs nothing at all. */
  readonly open?: boolean
  /** Both key and password are wanted, in this order. */
  readonly both?: boolean
}

/** One try to log in. */
export interface LoginTry {
  readonly username: string
  readonly method: AuthenticationType
  /** Type of the key that was offered. */
  readonly key?: string
  accepted: boolean
}

/** The accounts of a server, with the tries of all its connections. */
export class Access {
  readonly accounts: Record<string, Account>
  readonly tries: LoginTry[] = []

  constructor(accounts: Readonly<Record<string, Account>>) {
    this.accounts = { ...accounts }
  }

  /** Decides the tries of one connection. */
  decider(): (context: AuthContext) => void {
    let hasKey = false
    return context => {
      const account = this.accounts[context.username] ?? {}
      const methods = methodsOf(account, hasKey)
      const key = context.method === 'publickey' ? { key: context.key.algo } : {}
      const entry: LoginTry = { username: context.username, method: context.method, ...key, accepted: false }
      this.tries.push(entry)
      const decide = (isRight: boolean): void => {
        const isSigned = context.method === 'publickey' && context.signature !== undefined
        if (!isRight) context.reject(methods, false)
        else if (isSigned && account.both && !hasKey) {
          hasKey = true
          context.reject(['password'], true)
        } else {
          entry.accepted = true
          context.accept()
        }
      }
      if (context.method === 'none') decide(account.open === true)
      else if (!methods.includes(context.method)) decide(false)
      else if (context.method === 'password') decide(same(context.password, account.password ?? ''))
      else if (context.method === 'publickey') decide(isKeyOf(account, context))
      else if (context.method === 'keyboard-interactive') ask(account, context, decide)
      else decide(false)
    }
  }
}

function methodsOf({ password, keys, rounds, both }: Account, hasKey: boolean): AuthenticationType[] {
  if (both) return [hasKey ? 'password' : 'publickey']
  return [
    ...(keys === undefined ? [] : (['publickey'] as const)),
    ...(password === undefined ? [] : (['password'] as const)),
    ...(rounds === undefined ? [] : (['keyboard-interactive'] as const)),
  ]
}

function same(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** Whether the key is one of the account's, and signed what it had to sign, where it signed at all. */
function isKeyOf({ keys = [] }: Account, { key, signature, blob, hashAlgo }: PublicKeyAuthContext): boolean {
  return keys.some(line => {
    const known = ssh2.utils.parseKey(line)
    if (known instanceof Error || !known.getPublicSSH().equals(key.data)) return false
    return signature === undefined || known.verify(blob!, signature, hashAlgo) === true
  })
}

function ask({ rounds = [], instruction = '' }: Account, context: KeyboardAuthContext, decide: (is: boolean) => void) {
  const next = (round: number): void => {
    const questions = rounds[round]
    if (questions === undefined) {
      decide(true)
      return
    }
    const prompts = questions.map(({ prompt, echo }) => ({ prompt, echo }))
    context.prompt(prompts, 'Login', instruction, answers => {
      const isRight = questions.every(({ answer }, at) => same(answers[at] ?? '', answer))
      if (isRight) next(round + 1)
      else decide(false)
    })
  }
  next(0)
}
