/**
 * A small client in Python, written from the description of Nimbus.io alone, against the strict server, and with Holdall in one collection.
 * Apache Libcloud's own driver is no client to check with; why, `nimbus_libcloud.py` shows.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { NimbusStorage } from '../../src/backends/nimbus/index.ts'
import { type StrictNimbus, startStrictNimbus } from '../servers/strict-nimbus.ts'
import { needLibcloud, runScript, verdicts } from './python/script.ts'

const numbered = { username: '5001', keyId: 5001, key: 'the key of 5001' }
const alice = { username: 'alice', keyId: 5002, key: 'the key of alice' }
const server = await startStrictNimbus({ collections: ['from-python', 'from-holdall'] })
// Libcloud names the host to which it connects.
const old = await startStrictNimbus({ domain: '127.0.0.1', users: [numbered, alice], oldCollections: true })
await needLibcloud()
afterAll(() => Promise.all([server.close(), old.close()]))

const placeOf = ({ port, domain, user }: StrictNimbus) => ({ port, domain, ...user })

test('the small client finds the server as it is described', async () => {
  const { passed, failed } = verdicts(await runScript('nimbus_check.py', placeOf(server)))
  expect(failed).toEqual([])
  expect(passed.length).toBe(9)
})

test("Libcloud's driver cannot sign on Python 3, mistakes the key for the user, and knows no objects", async () => {
  const { passed, failed } = verdicts(await runScript('nimbus_libcloud.py', { port: old.port, user: alice, numbered }))
  expect(failed).toEqual([])
  expect(passed.length).toBe(5)
})

describe('in one collection', () => {
  const FILES: Readonly<Record<string, Buffer>> = {
    'plain.txt': Buffer.from('plain'),
    'two words & 50% a+b?#.txt': Buffer.from('odd names'),
    'ü/日本/binary.bin': Buffer.from(Array.from({ length: 30_000 }, (_each, at) => (at * 7919) % 256)),
  }
  const NAMES = Object.keys(FILES)
  const theirs = async <T>(op: string, collection: string, files: unknown): Promise<T> =>
    JSON.parse(await runScript('nimbus_files.py', { ...placeOf(server), op, collection, files }))
  const encoded = (files: Readonly<Record<string, Buffer>>): Record<string, string> =>
    Object.fromEntries(Object.entries(files).map(([name, body]) => [name, body.toString('base64')]))
  function ours(collection: string): NimbusStorage {
    const { domain, port, user } = server
    const place = { domain, host: '127.0.0.1', port, secure: false, partSize: 65_536, multipartThreshold: 65_536 }
    const identity = { user: user.username, keyId: user.keyId, key: user.key }
    return new NimbusStorage({ collection, ...identity, ...place }, { settings: {}, env: {} })
  }

  test('what Python wrote is listed, read and deleted by Holdall', async () => {
    await theirs('write', 'from-python', encoded(FILES))
    await using storage = ours('from-python')
    const [folders, files] = await storage.listdir('')
    expect([folders, files.toSorted()]).toEqual([['ü'], NAMES.slice(0, 2).toSorted()])
    for (const name of NAMES) {
      await using file = await storage.open(name)
      expect(Buffer.from((await file.read()) as Uint8Array), name).toEqual(FILES[name])
      expect(await storage.size(name)).toBe(FILES[name]!.length)
      expect((await storage.stat(name)).metadata).toEqual({ by: 'python' })
      await storage.delete(name)
    }
    expect(await theirs('list', 'from-python', [])).toEqual([])
  })

  test('what Holdall wrote, in parts as well, is listed, read and deleted by Python', async () => {
    const files = { ...FILES, 'large.bin': Buffer.alloc(200_000, 'large and in parts') }
    await using storage = ours('from-holdall')
    for (const [name, body] of Object.entries(files)) {
      expect(await storage.save(name, body, { metadata: { by: 'holdall' } })).toBe(name)
    }
    expect(server.requests.filter(({ operation }) => operation === 'FinishConjoined').length).toBeGreaterThan(0)
    const names = Object.keys(files)
    expect((await theirs<string[]>('list', 'from-holdall', [])).toSorted()).toEqual(names.toSorted())
    const read = await theirs<Record<string, { body: string; metadata: unknown }>>('read', 'from-holdall', names)
    for (const [name, body] of Object.entries(files)) {
      expect(Buffer.from(read[name]!.body, 'base64').equals(body), name).toBe(true)
      expect(read[name]!.metadata, name).toMatchObject({ __nimbus_io__by: 'holdall' })
    }
    await theirs('delete', 'from-holdall', names)
    expect(await storage.listdir('')).toEqual([[], []])
    expect(server.collection('from-holdall').openConjoined).toEqual([])
  })
})
