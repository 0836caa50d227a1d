import { fork } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { planTree, writeTree } from '../../test/real/migrate/tree.ts'
import { type PostgresServer, startPostgres } from '../../test/servers/postgres.ts'
import { Child } from '../../test/support/child.ts'
import { CLI } from '../static/contenders.ts'
import type { Command } from '../static/place.ts'

const SEED = 14
const HOUR = 3_600_000

/** Files on local disk, a PostgreSQL and commands of the built package. */
export class Ground {
  readonly folder: string
  readonly postgres: PostgresServer
  #configs = 0

  private constructor(folder: string, postgres: PostgresServer) {
    this.folder = folder
    this.postgres = postgres
  }

  static async make(): Promise<Ground> {
    return new Ground(await mkdtemp(join(tmpdir(), 'holdall-bench-')), await startPostgres())
  }

  /** Writes so many small files, and returns their folder. */
  source(files: number): string {
    const folder = join(this.folder, `files-${files}`)
    writeTree(folder, SEED, planTree({ seed: SEED, files, minSize: 512, maxSize: 4096 }))
    return folder
  }

  /** A maker of commands with a place `target:`, a bucket at an endpoint, and a cache and a state of their own. */
  async commands(endpoint: string, bucket: string): Promise<(...words: readonly string[]) => Command> {
    const own = join(this.folder, `commands-${this.#configs++}`)
    await mkdir(own)
    const config = join(own, 'holdall.config.json')
    const OPTIONS = { endpointUrl: endpoint, bucketName: bucket, accessKey: 'key', secretKey: 'secret' }
    await writeFile(config, JSON.stringify({ STORAGES: { target: { BACKEND: 's3', OPTIONS } } }))
    const env = { XDG_CACHE_HOME: join(own, 'cache'), XDG_STATE_HOME: join(own, 'state') }
    const first = [CLI, '--quiet', '--config', config]
    return (...words) => ({ program: process.execPath, words: [...first, ...words], env })
  }

  async close(): Promise<void> {
    await this.postgres.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Starts a command, which is ended with this process. */
export function started({ program, words, env }: Command): Child {
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:HOLDALL_|AWS_|XDG_)/.test(name))
  return new Child(program, words, { env: { ...Object.fromEntries(kept), ...env }, timeoutMs: HOUR })
}

/** A server that is not the limit. */
export interface Sink {
  readonly endpoint: string
  readonly pid: number
  stop(): void
}

/** Starts a sink that answers so many milliseconds after each request. */
export async function startSink(delayMs: number): Promise<Sink> {
  const child = fork(join(import.meta.dirname, 'sink.ts'), [String(delayMs)], { execArgv: [] })
  const endpoint = await new Promise<string>((resolve, reject) => {
    child.once('message', text => resolve(String(text)))
    child.once('exit', code => reject(new Error(`the sink ended with ${code}`)))
  })
  return { endpoint, pid: child.pid!, stop: () => child.disconnect() }
}

/** Makes an empty bucket of the sink. */
export async function emptyBucket({ endpoint }: Sink, name: string): Promise<void> {
  await fetch(`${endpoint}/${name}`, { method: 'PUT' })
}
