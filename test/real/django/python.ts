import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { daemonPath, needPackages } from '../../servers/debian.ts'
import { retried } from '../../support/retried.ts'

/** Global settings, by Django's names. */
export type DjangoSettings = Readonly<Record<string, unknown>>

/** Storages by their paths below `storages.backends`, with the package of each. */
const BACKENDS = {
  's3boto3.S3Boto3Storage': 'python3-django-storages-boto3',
  'ftp.FTPStorage': 'python3-django-storages-ftp',
  'sftpstorage.SFTPStorage': 'python3-django-storages-sftp',
} as const

/** Where and when a request is made. */
export interface Circumstances {
  /** Default: that of S3. */
  readonly backend?: keyof typeof BACKENDS
  readonly settings: DjangoSettings
  /** Environment variables besides those of the process. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** What the clock of signatures shows. */
  readonly now?: Date | undefined
}

/** What Python raised. */
export class PythonError extends Error {
  /** The exception's class. */
  readonly type: string
  /** Status and code of a service's answer. */
  readonly status: number | undefined
  readonly code: string | undefined

  constructor({ type, message, status, code }: { type: string; message: string; status?: number; code?: string }) {
    super(`${type}: ${message}`)
    this.type = type
    this.status = status
    this.code = code
  }
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Debian's own Python, not whatever PATH finds first. */
const PYTHON = '/usr/bin/python3'
const PACKAGES = ['python3-django', 'python3-django-storages', ...Object.values(BACKENDS), 'python3-boto3']

/** Python's django-storages from Debian's packages, in a process of its own. */
export class DjangoStorages implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #kill = (): void => {
    this.#child.kill('SIGKILL')
  }
  #last = 0
  #complaint = ''
  #ended: Error | undefined

  /** Installs what is missing and starts the process, in three tries; throws when it cannot, with what it printed. */
  static async start(): Promise<DjangoStorages> {
    await needPackages([...PACKAGES, 'python3-cryptography'])
    return retried('starting django-storages', 3, async () => {
      const storages = new DjangoStorages()
      const late = setTimeout(storages.#kill, 60_000)
      try {
        await storages.ask('versions', { settings: {} })
        return storages
      } finally {
        clearTimeout(late)
      }
    })
  }

  private constructor() {
    const nowhere = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }
    const env = { PATH: daemonPath, LANG: 'C.UTF-8', AWS_EC2_METADATA_DISABLED: 'true', ...nowhere }
    const script = join(import.meta.dirname, 'driver.py')
    this.#child = spawn(PYTHON, ['-I', '-B', '-X', 'utf8', script], { env, stdio: 'pipe' })
    process.once('exit', this.#kill)
    this.#child.once('error', error => this.#fail(error))
    this.#child.once('close', code => this.#fail(new Error(`${PYTHON} ended with ${code}: ${this.#complaint}`)))
    this.#child.stdin!.on('error', () => {})
    this.#child.stderr!.setEncoding('utf8').on('data', text => {
      this.#complaint = (this.#complaint + text).slice(-4000)
    })
    createInterface({ input: this.#child.stdout! }).on('line', line => this.#answered(line))
  }

  /** One call of a storage made of the settings; bytes come as `Buffer`. Rejects with a `PythonError`. */
  async ask<T>(op: string, where: Circumstances, args: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const id = ++this.#last
    const { backend = 's3boto3.S3Boto3Storage', settings, env = {}, now } = where
    const request = {
      id,
      op,
      backend,
      settings,
      env,
      now: now === undefined ? null : now.getTime() / 1000,
      args: outgoing(args),
    }
    if (this.#ended !== undefined) throw this.#ended
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`)
    return (await answer) as T
  }

  #answered(line: string): void {
    const { id, result, error } = JSON.parse(line, incoming)
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new PythonError(error))
  }

  #fail(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended === undefined) {
      const closed = once(this.#child, 'close')
      this.#child.stdin!.end()
      await closed
    }
    process.off('exit', this.#kill)
  }
}

/** Bytes as `{ $bytes: base64 }`, at any depth. */
function outgoing(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(outgoing)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, outgoing(each)]))
}

function incoming(_name: string, value: unknown): unknown {
  const { $bytes } = (value ?? {}) as { $bytes?: unknown }
  return typeof $bytes === 'string' ? Buffer.from($bytes, 'base64') : value
}
