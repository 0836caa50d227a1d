/** Chapter 2.2 of the manual: which authorities are trusted. */
import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { verification } from '../../../src/backends/libcloud/certificates.ts'
import { security } from '../../../src/backends/libcloud/index.ts'
import { makeIdentity } from '../../http/support.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { entryOf, hostOf, MODULE, storageOf } from './support.ts'
import { startTlsFront } from './tls-front.ts'

const [identity, stranger] = [makeIdentity(), makeIdentity()]
const server = await startStrictS3()
const front = await startTlsFront(identity, server.port)
const folder = await mkdtemp(join(tmpdir(), 'holdall-ca-'))
const missing = join(folder, 'missing.pem')
const textFile = join(folder, 'text.pem')
await writeFile(textFile, 'no certificate')

const { accessKeyId, secretAccessKey } = server.credentials
const entry = entryOf('S3', {
  ...hostOf(front.url),
  user: accessKeyId,
  key: secretAccessKey,
  region: server.region,
})
const NONE = `Unable to create libcloud driver type ${MODULE}.S3: No CA Certificates were found in CA_CERTS_PATH.`
const SYSTEM = '/etc/ssl/certs/ca-certificates.crt'

afterEach(() => {
  security.CA_CERTS_PATH = null
  security.VERIFY_SSL_CERT = true
})
afterAll(async () => {
  await front[Symbol.asyncDispose]()
  await server.close()
  identity[Symbol.dispose]()
  stranger[Symbol.dispose]()
  await rm(folder, { recursive: true })
})

async function saved(storage = storageOf(entry)): Promise<string> {
  await using one = storage
  return await one.save('a.txt', 'text', { overwrite: true })
}

describe('CA_CERTS_PATH', () => {
  it('case 15: the first file that exists is used, and the server is verified with it', async () => {
    security.CA_CERTS_PATH = [missing, identity.certPath]
    expect(await saved()).toBe('a.txt')
    security.CA_CERTS_PATH = [folder, textFile, missing, identity.certPath]
    expect(await saved()).toBe('a.txt')
  })

  it('2.2: what is appended, as the manual does, comes before the system’s own', async () => {
    security.CA_CERTS_PATH.append(identity.certPath)
    expect(security.CA_CERTS_PATH.at(-1)).toBe(identity.certPath)
    expect(await saved()).toBe('a.txt')
    security.CA_CERTS_PATH = null
    expect(security.CA_CERTS_PATH).not.toContain(identity.certPath)
    security.CA_CERTS_PATH.push(missing, identity.certPath)
    expect(await saved()).toBe('a.txt')
  })

  it('case 16: with other authorities the connection is refused, and no byte of a request is sent', async () => {
    security.CA_CERTS_PATH = [stranger.certPath]
    server.requests.length = 0
    await using storage = storageOf({ ...entry, timeout: 5 }, {}, { maxAttempts: 1 })
    const failure = await storage.save('b.txt', 'secret').catch((error: unknown) => error)
    expect(failure).toMatchObject({ outcome: 'not_applied' })
    expect(String(failure)).toMatch(/certificate is not trusted/)
    expect(server.requests).toEqual([])
  })

  it('without a choice it is the system’s own, which does not know the server', async () => {
    server.requests.length = 0
    await expect(saved(storageOf(entry, {}, { maxAttempts: 1 }))).rejects.toThrow(/certificate is not trusted/)
    expect(server.requests).toEqual([])
    expect(verification([], {})).toBe(existsSync(SYSTEM) ? SYSTEM : null)
    // Node knows these authorities besides its own.
    expect(verification([], { NODE_EXTRA_CA_CERTS: identity.certPath })).toBe(null)
  })

  it('2.2, D.6 171: with none of the files there, the manual’s error, word for word', () => {
    const refused = expect.objectContaining({
      name: 'ImproperlyConfigured',
      code: 'improperly_configured',
      message: NONE,
    })
    for (const paths of [[], [missing], [folder, textFile]]) {
      security.CA_CERTS_PATH = paths
      expect(() => storageOf(entry)).toThrow(refused)
      expect(() => storageOf(entryOf('S3'))).toThrow(refused)
    }
    security.CA_CERTS_PATH = null
    security.CA_CERTS_PATH.length = 0
    expect(() => storageOf(entry)).toThrow(refused)
    security.CA_CERTS_PATH.append(identity.certPath)
    expect(() => storageOf(entry)).not.toThrow()
  })

  it('a file that is cut off, damaged, empty or in DER form counts as none, and the next one is used', async () => {
    const pem = await readFile(identity.certPath, 'utf8')
    const files = {
      cut: pem.slice(0, pem.length / 2),
      damaged: `-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n${pem}`,
      empty: '',
      der: new X509Certificate(pem).raw,
    }
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, `${name}.pem`)
      await writeFile(path, content)
      security.CA_CERTS_PATH = [path]
      expect(() => storageOf(entry), name).toThrow(NONE)
      expect(() => storageOf({ ...entry, ca_certs: path }), name).toThrow('holds no certificate in PEM form')
      security.CA_CERTS_PATH = [path, identity.certPath]
      expect(await saved(), name).toBe('a.txt')
    }
    const windows = join(folder, 'windows.pem')
    await writeFile(windows, `Subject: test\r\n${pem.replaceAll('\n', '\r\n')}`)
    security.CA_CERTS_PATH = [windows]
    expect(await saved()).toBe('a.txt')
  })

  it('the choice of a storage holds for all containers of its account, also when the list has changed since', async () => {
    security.CA_CERTS_PATH = [identity.certPath]
    await using storage = storageOf(entry)
    security.CA_CERTS_PATH = [stranger.certPath]
    await expect(storage.driver.getObject('later', 'a.txt')).rejects.toMatchObject({ code: 'not_found' })
    security.CA_CERTS_PATH = []
    await expect(storage.driver.getObject('latest', 'a.txt')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('needs none where nothing is encrypted', () => {
    security.CA_CERTS_PATH = []
    expect(() => storageOf({ ...entry, secure: false })).not.toThrow()
    expect(() => storageOf({ type: 'LOCAL', user: folder, bucket: 'media' })).not.toThrow()
  })
})

describe('ca_certs of an entry', () => {
  it('wins over the list, for this provider only', async () => {
    security.CA_CERTS_PATH = [stranger.certPath]
    expect(await saved(storageOf({ ...entry, ca_certs: identity.certPath }))).toBe('a.txt')
    expect(await saved(storageOf({ ...entry, caCerts: [missing, identity.certPath] }))).toBe('a.txt')
    await expect(saved(storageOf(entry, {}, { maxAttempts: 1 }))).rejects.toThrow(/certificate/)
  })

  it('that does not exist is an error, never a reason to trust others', () => {
    const begin = `Unable to create libcloud driver type ${MODULE}.S3: LIBCLOUD_PROVIDERS['only']: ca_certs: Certificate file`
    expect(() => storageOf({ ...entry, ca_certs: missing })).toThrow(`${begin} ${missing} doesn't exist`)
    expect(() => storageOf({ ...entry, ca_certs: folder })).toThrow(`${begin} can't be a directory`)
    expect(() => storageOf({ ...entry, ca_certs: textFile })).toThrow(
      `${begin} ${textFile} cannot be read, or holds no certificate in PEM form`,
    )
  })
})

describe('VERIFY_SSL_CERT', () => {
  it('case 18: false connects, and warns once', async () => {
    const warnings: Error[] = []
    const note = (warning: Error) => void (/VERIFY_SSL_CERT/.test(warning.message) && warnings.push(warning))
    process.on('warning', note)
    try {
      security.VERIFY_SSL_CERT = false
      expect(await saved()).toBe('a.txt')
      expect(await saved()).toBe('a.txt')
      await new Promise(setImmediate)
      expect(warnings.length).toBe(1)
    } finally {
      process.off('warning', note)
    }
  })

  it('false does not undo what an entry says for itself', async () => {
    security.VERIFY_SSL_CERT = false
    const own = storageOf({ ...entry, ca_certs: stranger.certPath }, {}, { maxAttempts: 1 })
    await expect(saved(own)).rejects.toThrow(/certificate/)
  })
})

describe('SSL_CERT_FILE', () => {
  it('stands for the system’s own files; what a program puts into the list comes first', async () => {
    expect(await saved(storageOf(entry, { env: { SSL_CERT_FILE: identity.certPath } }))).toBe('a.txt')
    expect(await saved(storageOf({ ...entry, ca_certs: identity.certPath }, { env: { SSL_CERT_FILE: missing } }))).toBe(
      'a.txt',
    )
    security.CA_CERTS_PATH.append(identity.certPath)
    expect(await saved(storageOf(entry, { env: { SSL_CERT_FILE: stranger.certPath } }))).toBe('a.txt')
    security.CA_CERTS_PATH = [missing]
    expect(() => storageOf(entry, { env: { SSL_CERT_FILE: identity.certPath } })).toThrow(NONE)
  })

  it('case 19: one that is missing, or a directory, is refused in libcloud’s words', () => {
    const begin = `Unable to create libcloud driver type ${MODULE}.S3: SSL_CERT_FILE: Certificate file`
    expect(() => storageOf(entry, { env: { SSL_CERT_FILE: missing } })).toThrow(`${begin} ${missing} doesn't exist`)
    expect(() => storageOf(entry, { env: { SSL_CERT_FILE: folder } })).toThrow(`${begin} can't be a directory`)
  })
})
