/** Ways to prove who sends a request that only some types have, each against its server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { NINEFOLD_PATH, startStrictAtmos } from '../../servers/strict-atmos.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { startStrictNimbus } from '../../servers/strict-nimbus.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { entryOf, hostOf, storageOf } from './support.ts'

const [s3, gcs, ninefold, nimbus] = await Promise.all([
  startStrictS3(),
  startStrictGcs(),
  startStrictAtmos({ driverPath: NINEFOLD_PATH }),
  startStrictNimbus(),
])
const folder = await mkdtemp(join(tmpdir(), 'holdall-keys-'))
afterAll(async () => {
  await Promise.all([s3, gcs, ninefold, nimbus].map(server => server.close()))
  await rm(folder, { recursive: true })
})

async function roundTrip(entry: unknown): Promise<void> {
  await using storage = storageOf(entry)
  await storage.save('keys/a b.txt', 'text', { overwrite: true })
  expect(await storage.readText('keys/a b.txt')).toBe('text')
}

describe('GOOGLE_STORAGE', () => {
  const at = (more: object) => entryOf('GOOGLE_STORAGE', { ...hostOf(gcs.url), ...more })
  const { accessId: user, secret: key } = gcs.hmac

  it.each([
    ['GOOG4-HMAC-SHA256', undefined],
    ['GOOG1', 2],
  ])('an HMAC key signs by %s', async (scheme, signature_version) => {
    gcs.requests.length = 0
    await roundTrip(at({ user, key, signature_version }))
    const signed = gcs.requests.map(({ headers }) => headers.authorization)
    expect(signed.length).toBeGreaterThan(1)
    for (const header of signed) expect(header?.startsWith(`${scheme} `)).toBe(true)
  })

  it('a service account gives its key as JSON, or the path of the file', async () => {
    const file = gcs.keyFile()
    const path = join(folder, 'key.json')
    await writeFile(path, JSON.stringify(file))
    for (const secret of [JSON.stringify(file), path]) {
      gcs.requests.length = 0
      await roundTrip(at({ user: file['client_email'], key: secret }))
      expect(gcs.requests.at(-1)?.email).toBe(file['client_email'])
    }
  })
})

it('S3 signs by version 2 where the entry says so, as libcloud did', async () => {
  const { accessKeyId: user, secretAccessKey: key } = s3.credentials
  s3.requests.length = 0
  await roundTrip(entryOf('S3', { ...hostOf(s3.url), user, key, signature_version: '2' }))
  for (const { headers } of s3.requests) expect(headers.authorization).toMatch(/^AWS AKID/)
})

it('NINEFOLD is Atmos below a path of its own', async () => {
  const { uid: user, secret: key } = ninefold.credentials
  await roundTrip(entryOf('NINEFOLD', { ...hostOf(ninefold.url), user, key }))
  await roundTrip(entryOf('ATMOS', { ...hostOf(ninefold.url), user, key, path: `${NINEFOLD_PATH}/` }))
  await expect(roundTrip(entryOf('ATMOS', { ...hostOf(ninefold.url), user, key }))).rejects.toThrow()
  expect(storageOf(entryOf('NINEFOLD')).backend.options).toMatchObject({
    host: 'api.ninefold.com',
    path: NINEFOLD_PATH,
  })
})

describe('NIMBUS', () => {
  const { username, keyId, key } = nimbus.user
  const at = (more: object) => entryOf('NIMBUS', { ...hostOf(nimbus.url), domain: nimbus.domain, key, ...more })

  it('takes the number of the key by itself, as libcloud calls it, or behind the user', async () => {
    await roundTrip(at({ user: username, key_id: keyId }))
    await roundTrip(at({ user: username, user_id: String(keyId) }))
    await roundTrip(at({ user: `${username}:${keyId}` }))
  })

  it('says what is missing without it', () => {
    expect(() => storageOf(at({ user: username }))).toThrow(/LIBCLOUD_PROVIDERS\['only'\]: .*keyId/)
  })
})
