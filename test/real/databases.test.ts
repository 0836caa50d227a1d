/** The databases of the tests: each starts, answers its driver, makes databases, leaves nothing, and ends with a process that is killed. */
import { access, chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@keyv/redis'
import { createConnection } from 'mariadb'
import { createConnection as createMysqlConnection } from 'mysql2/promise'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'
import { Child } from '../support/child.ts'

/** Whether a process runs, or ended and waits for its parent. */
const runs = (pid: number): Promise<boolean> =>
  access(`/proc/${pid}`).then(
    () => true,
    () => false,
  )

test('PostgreSQL 15 runs transactions, each database is empty, and a client that stays does not hold up its end', async () => {
  const server = await startPostgres()
  try {
    const url = await server.createDatabase()
    expect(url).not.toBe(server.url)
    const client = new Client(url)
    client.on('error', () => {})
    await client.connect()
    const { rows } = await client.query("SELECT current_setting('server_version') AS version, current_user AS name")
    expect(rows).toEqual([{ version: expect.stringMatching(/^15\./), name: 'postgres' }])
    await client.query('CREATE TABLE x (id serial PRIMARY KEY, name text)')
    await client.query('BEGIN')
    await client.query("INSERT INTO x (name) VALUES ('ü')")
    await client.query('ROLLBACK')
    expect((await client.query('SELECT * FROM x')).rows).toEqual([])
    const named = await server.createDatabase('second')
    expect(named).toMatch(/\/second$/)
    const other = new Client(named)
    await other.connect()
    expect((await other.query("SELECT to_regclass('x') AS x")).rows).toEqual([{ x: null }])
    await other.end()
  } finally {
    await server.close()
  }
  for (const pid of server.pids) expect(await runs(pid)).toBe(false)
})

test('MariaDB 10.11 runs transactions with both drivers, and each database is empty', async () => {
  const server = await startMariadb()
  try {
    const url = await server.createDatabase()
    const connection = await createConnection(url)
    const [row] = await connection.query('SELECT VERSION() AS version, @@character_set_server AS letters')
    expect(row).toEqual({ version: expect.stringMatching(/^10\.11\./), letters: 'utf8mb4' })
    await connection.query('CREATE TABLE x (id int AUTO_INCREMENT PRIMARY KEY, name text)')
    await connection.beginTransaction()
    await connection.query("INSERT INTO x (name) VALUES ('ü')")
    await connection.rollback()
    expect(await connection.query('SELECT * FROM x')).toEqual([])
    await connection.end()
    const other = await createMysqlConnection((await server.createDatabase('second')).replace(/^mariadb/, 'mysql'))
    expect((await other.query('SHOW TABLES'))[0]).toEqual([])
    await other.end()
  } finally {
    await server.close()
  }
  for (const pid of server.pids) expect(await runs(pid)).toBe(false)
})

test('Redis 7 keeps values', async () => {
  const server = await startRedis()
  try {
    const client = await createClient({ url: server.url }).connect()
    await client.set('a', 'ü')
    expect(await client.get('a')).toBe('ü')
    expect(await client.info('server')).toMatch(/redis_version:7\./)
    await client.close()
  } finally {
    await server.close()
  }
  for (const pid of server.pids) expect(await runs(pid)).toBe(false)
})

describe.each([
  ['postgres', 'startPostgres'],
  ['mariadb', 'startMariadb'],
  ['redis', 'startRedis'],
])('%s', (file, start) => {
  test('ends with a process that is killed', async () => {
    const program = `
      const { ${start} } = await import(${JSON.stringify(join(import.meta.dirname, `../servers/${file}.ts`))})
      const server = await ${start}()
      console.log('pids ' + server.pids.join(' ') + ' .')
      setInterval(() => {}, 1000)`
    // What it cannot remove itself.
    const folder = await mkdtemp(join(tmpdir(), 'killed-'))
    await chmod(folder, 0o755)
    const env = { ...process.env, TMPDIR: folder }
    await using child = new Child(process.execPath, ['--input-type=module', '-e', program], { env })
    const [, pids] = await child.printed(/pids (.*) \./)
    const all = pids!.split(' ').map(Number)
    expect(all.length).toBeGreaterThan(0)
    await child.kill('SIGKILL')
    // The kernel has sent its signal by now; how long a server takes to go is its own affair.
    for (const pid of all) while (await runs(pid)) await new Promise(resolve => setTimeout(resolve, 10))
    await rm(folder, { recursive: true })
  })
})
