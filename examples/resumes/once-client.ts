/** What `--once` needs to play the browser: the application as a process of its own, and forms that are made while they are sent. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** The application in a process of its own. */
export class AppProcess {
  readonly url: string
  readonly #child: ChildProcess
  readonly #memory: number

  private constructor(url: string, child: ChildProcess) {
    this.url = url
    this.#child = child
    this.#memory = mostMemory(child)
  }

  /** Starts the application on a free port, with its data in this folder. */
  static async start(data: string): Promise<AppProcess> {
    const env = { ...process.env, RESUMES_DATA: data, PORT: '0', HOST: '127.0.0.1' }
    const child = spawn(process.execPath, [`${import.meta.dirname}/main.ts`], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of createInterface(child.stdout!)) {
      const url = /^Resumes: (\S+)$/.exec(line)?.[1]
      if (url !== undefined) return new AppProcess(url, child)
    }
    throw new Error('The application did not start.')
  }

  /** Ends it: by SIGTERM in good order, by SIGKILL as a crash does. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill(signal)
    const [code] = (await ended) as [number | null]
    if (signal === 'SIGTERM' && code !== 0) throw new Error(`The application ended with exit code ${code}.`)
  }

  /** Bytes by which it has grown since its start; undefined where the system does not say. */
  memoryGrowth(): number | undefined {
    const grown = mostMemory(this.#child) - this.#memory
    return Number.isNaN(grown) ? undefined : grown
  }

  get(path: string): Promise<Response> {
    return fetch(new URL(path, this.url))
  }

  /** Sends a form; the answer is the one to the form, not the page that it leads to. */
  post(path: string, parts: readonly FormPart[] = [], init: RequestInit = {}): Promise<Response> {
    const boundary = crypto.randomUUID()
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}`, ...init.headers }
    const body = parts.length === 0 ? null : ReadableStream.from(multipart(parts, boundary))
    const request = { method: 'POST', redirect: 'manual', duplex: 'half', ...init, headers, body }
    return fetch(new URL(path, this.url), request as RequestInit)
  }
}

/** The most memory that a process has had, as Linux reports it. */
function mostMemory({ pid }: ChildProcess): number {
  const status = existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, 'utf8') : ''
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) * 1024
}

/** A field of a form, or a file with its bytes. */
export interface FormPart {
  readonly name: string
  readonly filename?: string | undefined
  readonly content: string | Uint8Array | AsyncIterable<Uint8Array>
}

async function* multipart(parts: readonly FormPart[], boundary: string): AsyncGenerator<Uint8Array> {
  const text = new TextEncoder()
  for (const { name, filename, content } of parts) {
    const file = filename === undefined ? '' : `; filename="${filename}"\r\ncontent-type: application/octet-stream`
    yield text.encode(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n`)
    if (typeof content === 'string') yield text.encode(content)
    else if (content instanceof Uint8Array) yield content
    else yield* content
    yield text.encode('\r\n')
  }
  yield text.encode(`--${boundary}--\r\n`)
}

/** A PDF of about so many bytes, of which 64 KiB are in memory at a time. */
export async function* largePdf(bytes: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from('%PDF-1.7\n')
  const piece = Buffer.alloc(65_536, '% nothing but comments\n')
  for (let sent = 0; sent < bytes; sent += piece.length) yield piece
  yield Buffer.from('\n%%EOF\n')
}
