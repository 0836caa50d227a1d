/** The command line as its users start it, in processes that are killed. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RgwServer } from '../../servers/rgw.ts'
import { builtPackage } from '../../support/built.ts'
import { Child, compilingOnce, type Ended } from '../../support/child.ts'

const MINUTE = 60_000

/** The built command line with settings of its own: aliases of buckets, a cache and a state of its own. */
export class Commands {
  readonly #bin: string
  readonly #config: string
  readonly #env: NodeJS.ProcessEnv
  readonly #folder: string

  private constructor(bin: string, folder: string) {
    this.#bin = bin
    this.#folder = folder
    this.#config = join(folder, 'holdall.config.json')
    const kept = Object.entries(compilingOnce()).filter(([name]) => !/^(?:HOLDALL_|AWS_|XDG_)/.test(name))
    const own = { XDG_CACHE_HOME: join(folder, 'cache'), XDG_STATE_HOME: join(folder, 'state') }
    this.#env = { ...Object.fromEntries(kept), ...own }
  }

  /** `buckets` are aliases with their buckets, reached by a URL. */
  static async make(
    folder: string,
    { credentials }: RgwServer,
    url: string,
    buckets: Readonly<Record<string, string>>,
  ): Promise<Commands> {
    await mkdir(folder, { recursive: true })
    const commands = new Commands(join(await builtPackage(), 'dist/cli/bin.js'), folder)
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = credentials
    const places = Object.entries(buckets).map(([alias, bucketName]) => {
      return [alias, { BACKEND: 's3', OPTIONS: { endpointUrl: url, accessKey, secretKey, bucketName } }]
    })
    await writeFile(commands.#config, JSON.stringify({ STORAGES: Object.fromEntries(places) }))
    return commands
  }

  /** A folder for what belongs to these commands. */
  get folder(): string {
    return this.#folder
  }

  start(...words: readonly string[]): Child {
    const all = [this.#bin, '--config', this.#config, ...words]
    return new Child(process.execPath, all, { env: this.#env, cwd: this.#folder, timeoutMs: 120 * MINUTE })
  }

  /** Runs a command to its end, whatever its exit code. */
  run(...words: readonly string[]): Promise<Ended> {
    return this.start(...words).ended
  }
}

/** Commands that may be killed before one is taken for one that gets nowhere. */
const MOST_KILLS = 1000

/**
 * Starts a command again and again, and kills each by SIGKILL a time after it has begun its work, until one ends by itself. `begun` resolves
 * as soon as a new one works.
 */
export async function killedUntilDone(
  start: () => Child,
  begun: () => Promise<void>,
  ms: number,
): Promise<{ readonly ended: Ended; readonly kills: number }> {
  for (let kills = 0; kills < MOST_KILLS; kills++) {
    const child = start()
    const controller = new AbortController()
    const { signal } = controller
    const due = begun()
      .then(() => sleep(ms, undefined, { signal }))
      .then(
        () => child.kill('SIGKILL'),
        () => undefined,
      )
    const ended = await child.ended
    controller.abort()
    if (ended.signal !== 'SIGKILL') return { ended, kills }
    await due
  }
  throw new Error(`the command was killed ${MOST_KILLS} times and is not done`)
}
