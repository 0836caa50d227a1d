/** The way between workers and the gateway: five requests in a hundred meet a fault, some names are refused for good, and all are counted. */

import type { Fault } from '../../faults/faults.ts'
import { seeded } from '../../oracles/seeded.ts'
import { type FaultProxy, type ProxiedRequest, startFaultProxy } from '../../servers/fault-proxy.ts'

const SHARE = 0.05

const SLOW_DOWN =
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'

/** Each kind of fault, by its title. */
const FAULTS: ReadonlyArray<readonly [title: string, fault: Fault]> = [
  ['cut before the work', { do: 'drop' }],
  ['cut in the request', { do: 'drop', bytes: 1000 }],
  ['cut before the answer', { do: 'drop', at: 'after' }],
  ['cut in the head of the answer', { do: 'cut', bytes: 'head' }],
  ['cut in the body of the answer', { do: 'cut', bytes: 100 }],
  ['no HTTP', { do: 'garbage', at: 'after' }],
  ['closed after the answer', { do: 'close' }],
  ['500', { do: 'refuse', status: 500 }],
  ['500 after the work', { do: 'refuse', status: 500, at: 'after' }],
  ['503', { do: 'refuse', status: 503, headers: { 'retry-after': '1' }, body: SLOW_DOWN }],
  ['slow', { do: 'hold', at: 'after', ms: 500 }],
  ['late', { do: 'hold', ms: 500 }],
]

/** A running proxy with its faults. */
export class Traffic {
  readonly #proxy: FaultProxy
  readonly #isForbidden: (key: string) => boolean
  readonly #random: () => number
  readonly #struck = new Map<string, number>(FAULTS.map(([title]) => [title, 0]))
  readonly #waiting = new Set<{ readonly at: number; readonly resolve: () => void }>()
  #requests = 0
  #puts = 0

  private constructor(proxy: FaultProxy, seed: number, isForbidden: (key: string) => boolean) {
    this.#proxy = proxy
    this.#random = seeded(seed)
    this.#isForbidden = isForbidden
    proxy.rule = request => this.#rule(request)
  }

  /** Starts a proxy in front of a gateway; uploads of the keys that are forbidden are refused by 403. */
  static async start(url: string, seed: number, isForbidden = (_key: string): boolean => false): Promise<Traffic> {
    return new Traffic(await startFaultProxy(url, undefined, { keepAlive: true }), seed, isForbidden)
  }

  get url(): string {
    return this.#proxy.url
  }

  get requests(): number {
    return this.#requests
  }

  get puts(): number {
    return this.#puts
  }

  /** How often each kind of fault struck. */
  get struck(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#struck)
  }

  /** Resolves after so many more requests. */
  more(requests: number): Promise<void> {
    return new Promise(resolve => this.#waiting.add({ at: this.#requests + requests, resolve }))
  }

  /** Resolves once all that was sent has been carried out by the gateway. */
  quiet(): Promise<void> {
    return this.#proxy.quiet()
  }

  close(): Promise<void> {
    return this.#proxy.close()
  }

  #rule({ method, url }: ProxiedRequest): Fault | undefined {
    // The log of a long run would not fit into memory.
    this.#proxy.log.length = 0
    this.#requests++
    if (method === 'PUT') this.#puts++
    for (const one of this.#waiting) {
      if (one.at > this.#requests) continue
      this.#waiting.delete(one)
      one.resolve()
    }
    const path = url.split('?')[0]!
    const key = decodeURIComponent(path.slice(path.indexOf('/', 1) + 1))
    if (method === 'PUT' && this.#isForbidden(key)) return { do: 'refuse', status: 403, body: 'Forbidden' }
    if (this.#random() >= SHARE) return undefined
    const [title, fault] = FAULTS[Math.floor(this.#random() * FAULTS.length)]!
    this.#struck.set(title, this.#struck.get(title)! + 1)
    return fault
  }
}
