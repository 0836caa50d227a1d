import { randomUUID } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import * as holdall from 'holdall'

export interface SqliteOptions extends holdall.CommonOptions {
  readonly database: string
}

/** Files in one table of an SQLite database. */
export class SqliteStorage extends holdall.Storage<SqliteOptions> {
  static override readonly backendName: string = 'sqlite'
  static override readonly settings: holdall.SettingsOf<SqliteOptions> = {
    ...holdall.commonSettings,
    database: holdall.settingTypes.text({ default: 'files.db', keys: ['SQLITE_DATABASE'], doc: 'Database file.' }),
  }
  protected override connect({ database }: SqliteOptions): holdall.Driver {
    return new SqliteDriver(database)
  }
}

const STAT = 'length(bytes) AS size, attributes, etag, modified'
const INSERT = 'INSERT INTO files SELECT ?1,?2,?3,?4,?5 WHERE ?6 IS NULL OR ?6=(SELECT etag FROM files WHERE key=?5)'
const UPDATE = 'UPDATE SET (bytes, attributes, etag, modified) = (?1, ?2, ?3, ?4)'
const BELOW = 'SELECT *, substr(key, length(?1) + 1) AS rest FROM files WHERE substr(key, 1, length(?1)) = ?1'
const ENTRY = "CASE WHEN ?2 OR rest NOT LIKE '%/%' THEN key ELSE ?1 || substr(rest, 1, instr(rest, '/')) END AS entry"
const PAGE = `SELECT entry, ${STAT} FROM (SELECT *, ${ENTRY} FROM (${BELOW})) WHERE entry>?3 GROUP BY 1 ORDER BY 1 LIMIT ?4`
const CODES: Record<number, holdall.ErrorCode> = { 5: 'unavailable', 8: 'permission_denied', 13: 'no_space' }

class SqliteDriver implements holdall.Driver {
  readonly name = 'sqlite'
  readonly features = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true }
  readonly #database: DatabaseSync
  constructor(path: string) {
    this.#database = new DatabaseSync(path, { open: false })
  }
  async stat(key: string, ctx: holdall.CallContext): Promise<holdall.Stat> {
    return statOf(this.#sql(`SELECT ${STAT} FROM files WHERE key = ?`, ctx).get(key), key)
  }
  async read(key: string, options: holdall.ReadOptions, ctx: holdall.CallContext): Promise<holdall.ReadResult> {
    const { range: { start, end = 2 ** 31 } = { start: 0 }, ifMatch } = options
    const sql = `SELECT substr(bytes, ?, ?) AS part, ${STAT} FROM files WHERE key = ?`
    const row = this.#sql(sql, ctx).get(start + 1, Math.max(0, end - start), key)
    const stat = statOf(row, key)
    if (ifMatch !== undefined && stat.etag !== ifMatch) throw problem('precondition_failed', key)
    const part = Buffer.from((row?.['part'] ?? []) as Uint8Array)
    if (part.length === 0 && (start !== 0 || stat.size !== 0)) throw problem('invalid_range', key)
    return { body: new holdall.BytesBody(part), stat }
  }
  async write(key: string, content: holdall.Content, options: holdall.WriteOptions, ctx: holdall.CallContext) {
    const { ifAbsent, ifMatch = null, extra: _, onProgress, ...attributes } = options
    const chunks: Uint8Array[] = []
    for await (const chunk of holdall.contentChunks(content, ctx, onProgress)) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    const write = this.#sql(`${INSERT} ON CONFLICT DO ${ifAbsent ? 'NOTHING' : UPDATE}`, ctx)
    const { changes } = write.run(bytes, JSON.stringify(attributes), randomUUID(), Date.now(), key, ifMatch)
    if (changes === 0) throw problem(ifAbsent ? 'exists' : 'precondition_failed', key)
    return undefined
  }
  async delete(key: string, ctx: holdall.CallContext): Promise<void> {
    this.#sql('DELETE FROM files WHERE key = ?', ctx).run(key)
  }
  async list(prefix: string, page: holdall.PageRequest, ctx: holdall.CallContext): Promise<holdall.Page> {
    const limit = page.limit ?? 1000
    const rows = this.#sql(PAGE, ctx).all(prefix, Number(page.recursive), page.token ?? '', limit + 1)
    const entries = rows.slice(0, limit).map(row => ({ ...statOf(row, prefix), key: String(row['entry']) }))
    const files = entries.filter(({ key }) => !key.endsWith('/'))
    const directories = entries.filter(({ key }) => key.endsWith('/')).map(({ key }) => key.slice(0, -1))
    return rows.length > limit ? { files, directories, next: entries.at(-1)!.key } : { files, directories }
  }
  classify(error: unknown): holdall.ErrorCode | undefined {
    return CODES[(error as { errcode?: number } | undefined)?.errcode ?? 0]
  }
  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close()
  }
  #sql(sql: string, { signal }: holdall.CallContext): StatementSync {
    signal.throwIfAborted()
    if (!this.#database.isOpen) {
      this.#database.open()
      this.#database.exec('CREATE TABLE IF NOT EXISTS files (bytes, attributes, etag, modified, key PRIMARY KEY)')
    }
    return this.#database.prepare(sql)
  }
}

function problem(code: holdall.ErrorCode, key: string): holdall.StorageError {
  return new holdall.StorageError(code, `${key}: ${code.replaceAll('_', ' ')}.`)
}
function statOf(row: ReturnType<StatementSync['get']>, key: string): holdall.Stat {
  if (row === undefined) throw problem('not_found', key)
  const modifiedAt = new Date(Number(row['modified']))
  return { ...JSON.parse(String(row['attributes'])), size: Number(row['size']), etag: String(row['etag']), modifiedAt }
}
