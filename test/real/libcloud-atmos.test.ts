/** Apache Libcloud's drivers of Atmos and Ninefold, from Debian's python3-libcloud, against the strict server: that is what proves the server. */
import { afterAll, describe, expect, test } from 'vitest'
import { type StrictAtmos, startStrictAtmos, startStrictNinefold } from '../servers/strict-atmos.ts'
import { needLibcloud, runScript, verdicts } from './python/script.ts'

const servers = { atmos: await startStrictAtmos(), ninefold: await startStrictNinefold() }
await needLibcloud()
afterAll(() => Promise.all(Object.values(servers).map(server => server.close())))

const placeOf = (kind: string, { port, credentials }: StrictAtmos) => ({ kind, port, ...credentials })

describe.concurrent.each(Object.entries(servers))('on %s', (kind, server) => {
  test('every check passes', async () => {
    const { passed, failed } = verdicts(await runScript('atmos_check.py', placeOf(kind, server)))
    expect(failed).toEqual([])
    expect(passed.length).toBe(11)
    expect(server.tree.paths()).toEqual([])
    // Chunks are appended with a range that is written `Bytes=`.
    const appended = server.requests.filter(({ headers }) => /^Bytes=\d+-\d+$/.test(headers['range'] ?? ''))
    expect(appended.length).toBeGreaterThan(10)
    expect(new Set(appended.map(({ operation }) => operation))).toEqual(new Set(['UpdateObject', 'ReadObject']))
  })
})
