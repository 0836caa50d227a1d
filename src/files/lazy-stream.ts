import { Readable } from 'node:stream'

/** Number of bytes read ahead, so that a slow reader does not stop and start the connection for every chunk. */
const READ_AHEAD = 256 * 1024

/** Returns a stream of a body that is opened at the first read. `failure` converts the errors of opening and of the body. */
export function lazyStream(open: () => Promise<Readable>, failure: (error: unknown) => Error): Readable {
  return new LazyStream(open, failure)
}

class LazyStream extends Readable {
  readonly #open: () => Promise<Readable>
  readonly #failure: (error: unknown) => Error
  #opening = false
  #body: Readable | undefined

  constructor(open: () => Promise<Readable>, failure: (error: unknown) => Error) {
    super({ highWaterMark: READ_AHEAD })
    this.#open = open
    this.#failure = failure
  }

  override _read(): void {
    if (this.#opening) {
      this.#body?.resume()
      return
    }
    this.#opening = true
    this.#open().then(
      body => this.#follow(body),
      error => this.#fail(error),
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#body?.destroy()
    done(error)
  }

  #follow(body: Readable): void {
    this.#body = body
    body.on('error', error => this.#fail(error))
    if (this.destroyed) {
      body.destroy()
      return
    }
    body.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) body.pause()
    })
    body.on('end', () => this.push(null))
    body.on('close', () => {
      if (!body.readableEnded) this.#fail(new Error('The body was closed before its end.'))
    })
    if (body.readableEnded) this.push(null)
    else if (body.errored) this.#fail(body.errored)
  }

  #fail(error: unknown): void {
    if (!this.destroyed) this.destroy(this.#failure(error))
  }
}
