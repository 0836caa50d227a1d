/**
 * Clients of an application, which has one or more processes. Each request goes to any of them, and each name has one request at a time: what
 * a client reads must be what was acknowledged last, by whichever process.
 */
import { setImmediate } from 'node:timers/promises'
import { ATTRIBUTES, type Request, type SeenFile, type Server } from './application.ts'

/** How busy the clients are. */
export interface Pace {
  readonly clients: number
  /** Turns of the event loop between two requests of a client. */
  readonly rest: number
}

export class Traffic {
  /** The processes that get requests now. */
  servers: readonly Server[] = []
  /** The content of each file by the last acknowledged request; null: deleted. */
  readonly texts = new Map<string, string | null>()
  /** Everything that went wrong. */
  readonly problems: string[] = []
  readonly counts: Record<string, number> = {}
  readonly #constant: readonly string[]
  readonly #busy = new Set<string>()
  readonly #pace: Pace
  #clients: Promise<unknown> | undefined
  #isOver = false
  #seed = 1
  #version = 0

  /** `constant`: files that are only read; `changing`: the names of the others. All files in the storage before are in `texts`. */
  constructor(
    before: ReadonlyMap<string, string>,
    constant: readonly string[],
    changing: readonly string[],
    pace: Pace,
  ) {
    for (const name of changing) this.texts.set(name, null)
    for (const [name, text] of before) this.texts.set(name, text)
    this.#constant = constant
    this.#pace = pace
  }

  start(): void {
    this.#isOver = false
    this.#clients = Promise.all(Array.from({ length: this.#pace.clients }, () => this.#client()))
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#clients
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0)
  }

  /** Waits for so many more requests. */
  async more(count: number): Promise<void> {
    const wanted = this.total + count
    while (this.total < wanted && this.problems.length === 0) await setImmediate()
  }

  /** The files that must be there. */
  get expected(): Record<string, SeenFile> {
    const files: Record<string, SeenFile> = {}
    for (const [name, text] of this.texts) if (text !== null) files[name] = { text, ...ATTRIBUTES }
    return files
  }

  #random(below: number): number {
    // The generator of Park and Miller.
    this.#seed = (this.#seed * 48_271) % 2_147_483_647
    return this.#seed % below
  }

  async #client(): Promise<void> {
    while (!this.#isOver && this.problems.length === 0) {
      await this.#request()
      for (let turns = 0; turns < this.#pace.rest; turns++) await setImmediate()
    }
  }

  async #request(): Promise<void> {
    const kind = (['write', 'append', 'delete', 'read', 'read', 'read', 'saveNew', 'list'] as const)[this.#random(8)]!
    if (kind === 'list' && this.#random(4) > 0) return
    const names = [...this.texts.keys()].filter(
      name => !this.#busy.has(name) && (kind === 'read' || !this.#constant.includes(name)),
    )
    const name = names[this.#random(names.length)]
    const server = this.servers[this.#random(this.servers.length)]
    if (name === undefined || server === undefined) return
    this.#busy.add(name)
    try {
      await this.#ask(server, kind, name)
      this.counts[kind] = (this.counts[kind] ?? 0) + 1
    } catch (error) {
      this.problems.push(String(error))
    } finally {
      this.#busy.delete(name)
    }
  }

  async #ask(server: Server, kind: Request['do'], name: string): Promise<void> {
    const text = `version ${++this.#version} of ${name}${'.'.repeat(this.#random(40))}`
    const ask = async (request: Request): Promise<unknown> => {
      const answer = await server.ask(request)
      if ('error' in answer) throw new Error(answer.error)
      return answer.value
    }
    const before = this.texts.get(name) ?? null
    switch (kind) {
      case 'write':
        await ask({ do: kind, name, text })
        this.texts.set(name, text)
        return
      case 'append':
        await ask({ do: kind, name, text })
        this.texts.set(name, (before ?? '') + text)
        return
      case 'delete':
        await ask({ do: kind, name })
        this.texts.set(name, null)
        return
      case 'saveNew': {
        if (this.texts.size > 150) return
        const stored = String(await ask({ do: kind, name, text }))
        // A name that is free may count as taken, where the other storage has a file that was deleted before.
        const taken = this.texts.get(stored)
        if (typeof taken === 'string') this.problems.push(`saveNew ${name}: ${stored} was taken by ${taken}`)
        this.texts.set(stored, text)
        return
      }
      case 'read': {
        const found = (await ask({ do: kind, name })) as SeenFile | null
        const wanted = before === null ? null : { text: before, ...ATTRIBUTES }
        if (JSON.stringify(found) !== JSON.stringify(wanted)) {
          this.problems.push(`read ${name}: got ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`)
        }
        return
      }
      case 'list': {
        const found = (await ask({ do: kind })) as string[]
        for (const each of this.#constant) {
          const times = found.filter(one => one === each).length
          if (times !== 1) this.problems.push(`list: ${each} is there ${times} times`)
        }
      }
    }
  }
}
