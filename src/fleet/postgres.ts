import { StorageError } from '../core/errors.ts'
import { importOptional } from '../core/optional.ts'

/** Runs SQL, inside or outside of a transaction. */
export interface Sql {
  query<R = Readonly<Record<string, unknown>>>(text: string, values?: readonly unknown[]): Promise<readonly R[]>
}

/** The used part of `pg`. */
interface PgResult {
  readonly rows: unknown[]
}
interface PgClient {
  /** A text with several statements has several results. */
  query(text: string, values?: readonly unknown[]): Promise<PgResult | readonly PgResult[]>
  on(event: 'error', listener: () => void): void
  off(event: 'error', listener: () => void): void
  release(isBroken: boolean): void
}
interface PgPool {
  query: PgClient['query']
  connect(): Promise<PgClient>
  on(event: 'error', listener: (error: Error) => void): void
  end(): Promise<void>
}
interface Pg {
  readonly Pool: new (options: Readonly<Record<string, unknown>>) => PgPool
}

/** Connections of a process: its loop, its heartbeat, and the queue's own maintenance. */
const CONNECTIONS = 3
/** Maximum time in milliseconds of a connection attempt, and of a query. A server that hangs must not hold the heartbeat longer. */
const CONNECT_MS = 5000
const QUERY_MS = 60_000
/** The server ends a transaction after this time without a query: its locks would hold up all workers if its own was cut off. */
const IDLE = '10s'
/** SQLSTATE of transactions that the server ended because of other ones: deadlock, serialisation failure. They can be repeated. */
const REPEATABLE: ReadonlySet<unknown> = new Set(['40001', '40P01'])
const MAX_TRIES = 5

/** A PostgreSQL database. Connections are made when they are needed, so it may restart at any time. */
export class Database implements Sql {
  readonly #pool: PgPool
  readonly #secrets: readonly string[]

  private constructor(pool: PgPool, secrets: readonly string[]) {
    this.#pool = pool
    this.#secrets = secrets
    // A connection that breaks while it is idle. The next query makes another one.
    pool.on('error', () => {})
  }

  /** `invalid_argument` if the text is no URL of PostgreSQL. Connects at the first query. */
  static async open(url: string): Promise<Database> {
    const secrets = secretsOf(url)
    const loaded = await importOptional<Pg & { readonly default?: Pg }>('pg', 'A fleet', 'pg pg-boss')
    const { Pool } = loaded.default ?? loaded
    const pool = new Pool({
      connectionString: url,
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: QUERY_MS,
      application_name: 'holdall',
      keepAlive: true,
    })
    return new Database(pool, secrets)
  }

  async query<R>(text: string, values?: readonly unknown[]): Promise<readonly R[]> {
    try {
      return rowsOf(await this.#pool.query(text, values))
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** Runs work in a transaction: all of it takes effect or, if it throws, nothing. It is repeated after a deadlock. */
  async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#once(work)
      } catch (error) {
        const { sqlState } = (error ?? {}) as { readonly sqlState?: unknown }
        if (!REPEATABLE.has(sqlState) || tries === MAX_TRIES) throw error
      }
    }
  }

  async #once<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw this.#failure(error)
    })
    let isBroken = false
    // A connection that breaks between two queries. The next query fails.
    const broken = (): void => {
      isBroken = true
    }
    client.on('error', broken)
    try {
      await this.#run(client, `BEGIN; SET LOCAL idle_in_transaction_session_timeout = '${IDLE}'`)
      const result = await work({ query: (text, values) => this.#run(client, text, values) })
      await this.#run(client, 'COMMIT')
      return result
    } catch (error) {
      // Without an answer the connection is given up, and the server rolls back.
      await this.#run(client, 'ROLLBACK').catch(broken)
      throw error
    } finally {
      client.off('error', broken)
      client.release(isBroken)
    }
  }

  async #run<R>(client: PgClient, text: string, values?: readonly unknown[]): Promise<readonly R[]> {
    try {
      return rowsOf(await client.query(text, values))
    } catch (error) {
      throw this.#failure(error)
    }
  }

  #failure(error: unknown): DatabaseError {
    return new DatabaseError(error, this.#secrets)
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

function rowsOf<R>(result: PgResult | readonly PgResult[]): R[] {
  return ('rows' in result ? result.rows : result.flatMap(({ rows }) => rows)) as R[]
}

/** An error of PostgreSQL or of the connection to it, without the password. */
export class DatabaseError extends StorageError {
  /** The SQLSTATE, if the server answered. */
  readonly sqlState: string | undefined

  static {
    DatabaseError.prototype.name = 'DatabaseError'
  }

  constructor(error: unknown, secrets: readonly string[]) {
    const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
    const sqlState = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
    // 28: wrong user or password; 3D, 42501: no such database, or no permission.
    const isRefused = sqlState !== undefined && /^(28|3D|42501)/.test(sqlState)
    const text = redacted(`${message === undefined || message === '' ? (code ?? error) : message}`, secrets)
    super(isRefused ? 'permission_denied' : 'unavailable', `PostgreSQL: ${text}`, { operation: 'fleet' })
    this.sqlState = sqlState
  }
}

/** Returns a text without the secrets. */
function redacted(text: string, secrets: readonly string[]): string {
  let shown = text
  for (const secret of secrets) shown = shown.replaceAll(secret, '***')
  return shown
}

/** Returns the secrets in a URL, as they are written there and as they are meant. */
function secretsOf(url: string): readonly string[] {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw notUrl()
  }
  if (!/^postgres(ql)?:$/.test(parsed.protocol)) throw notUrl()
  const written = [parsed.password, parsed.searchParams.get('password') ?? ''].filter(text => text !== '')
  return [...new Set(written.flatMap(text => [text, decoded(text)]))].sort((a, b) => b.length - a.length)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function notUrl(): StorageError {
  return new StorageError('invalid_argument', 'fleet: expected a URL such as postgres://user@host/database.')
}
