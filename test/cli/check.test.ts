import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AzureStorage } from '../../src/backends/azure/index.ts'
import { GcsStorage } from '../../src/backends/gcs/index.ts'
import { S3Storage } from '../../src/backends/s3/index.ts'
import { registerBackend } from '../../src/config/backends.ts'
import type { Driver } from '../../src/core/driver.ts'
import { copyNote } from '../../src/storage/supports.ts'
import { type StrictS3, startStrictS3 } from '../servers/strict-s3.ts'
import { inProcess } from './in-process.ts'

// Else Node would load them, and the core a second time.
registerBackend('s3', S3Storage)
registerBackend('azure', AzureStorage)
registerBackend('gcs', GcsStorage)

let dir: string
let server: StrictS3
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'holdall-check-')))
  server = await startStrictS3()
})
afterEach(async () => {
  await server.close()
  await rm(dir, { recursive: true })
})

const cli = (...args: string[]) => inProcess(dir, args)
const config = (STORAGES: object, extra: object = {}) =>
  writeFile(join(dir, 'holdall.config.json'), JSON.stringify({ STORAGES, ...extra }))
const s3 = (OPTIONS: object) => {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
  const own = { bucketName: 'media', endpointUrl: server.url, accessKey, secretKey, maxAttempts: 1 }
  return { BACKEND: 's3', OPTIONS: { ...own, ...OPTIONS } }
}
interface Step {
  readonly name: string
  readonly state: string
  readonly ok: boolean | null
  readonly error?: { readonly message: string }
}
const checked = async (...args: string[]) => {
  const { code, stdout, stderr } = await cli('--json', ...args, 'check')
  expect(stdout, stderr).not.toBe('')
  const { advice, storages } = JSON.parse(stdout) as {
    advice: string[]
    storages: { ok: boolean | null; steps: Step[] }[]
  }
  return { code, advice, ok: storages[0]!.ok, steps: storages[0]!.steps, connect: storages[0]!.steps[0]! }
}

describe('connect is not ok', () => {
  test('where the credentials are not accepted', async () => {
    for (const [wrong, word] of [
      [{ secretKey: 'wrong' }, 'SignatureDoesNotMatch'],
      [{ accessKey: 'unknown' }, 'InvalidAccessKeyId'],
    ] as const) {
      await config({ default: s3(wrong) })
      for (const dry of [[], ['--dry-run']]) {
        const { code, connect, steps } = await checked(...dry)
        expect([code, connect.state, connect.ok, steps.length]).toEqual([1, 'failed', false, 1])
        expect(connect.error?.message).toContain(word)
      }
    }
  })

  test('where a server answers 404 to everything', async () => {
    await using web = await listening(
      createServer((_, response) => response.writeHead(404).end('<html>Not here</html>')),
    )
    await config({ default: s3({ endpointUrl: web.url }) })
    expect(await checked('--dry-run')).toMatchObject({ code: 1, connect: { name: 'connect', state: 'failed' } })
  })

  test('where no right was shown, until a file could be written', async () => {
    let mayWrite = true
    const store = new Map<string, Buffer>()
    const denied = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
    const service = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const key = request.url!.split('?')[0]!
        const found = store.get(key)
        if (request.method === 'PUT' && mayWrite) {
          store.set(key, Buffer.concat(chunks))
          response.setHeader('etag', '"e"').end()
        } else if (request.method === 'DELETE') {
          store.delete(key)
          response.writeHead(204).end()
        } else if (found !== undefined)
          response.writeHead(200, { etag: '"e"', 'content-length': found.length }).end(found)
        else response.writeHead(403, { 'content-type': 'application/xml' }).end(denied)
      })
    })
    await using web = await listening(service)
    await config({ default: s3({ endpointUrl: web.url, checksums: 'off', conditionalWrites: 'off' }) })
    // A user who may put and get, and neither list nor see what is missing.
    const allowed = await checked()
    expect(allowed.steps.slice(0, 3)).toMatchObject([{ state: 'ok' }, { state: 'ok' }, { state: 'ok' }])
    const dry = await checked('--dry-run')
    expect(dry).toMatchObject({ code: 1, connect: { state: 'failed' } })
    expect(dry.connect.error?.message).toContain('AccessDenied')
    mayWrite = false
    const refused = await checked()
    expect([refused.code, refused.steps.map(({ state }) => state)]).toEqual([1, ['failed', 'failed']])
  })

  test('where no credentials were sent', async () => {
    await server.close()
    server = await startStrictS3({ buckets: [{ name: 'media', acl: 'public-read-write' }] })
    await config({
      default: s3({ signatureVersion: 'unsigned', accessKey: null, secretKey: null, defaultAcl: 'public-read' }),
    })
    const { code, steps } = await checked()
    expect([code, steps.map(({ state }) => state)]).toEqual([0, ['anonymous', 'ok', 'ok', 'ok', 'ok', 'ok']])
    expect((await cli('check')).stdout).toMatch(/connect +anonymous \d+ ms {2}no credentials were sent/)
  })
})

test('a dry run connects, writes nothing, and names what was not asked', async () => {
  await config({ default: s3({}) })
  const { code, ok, steps } = await checked('--dry-run')
  expect([code, ok, steps.map(({ name, state }) => `${name} ${state}`)]).toEqual([
    0,
    null,
    ['connect ok', 'write not asked', 'read not asked', 'list not asked', 'url not asked', 'delete not asked'],
  ])
  const { stdout } = await cli('--dry-run', 'check', 'default:')
  expect(stdout).toMatch(/^default {2}S3Storage {2}not asked$/m)
  expect(stdout).toMatch(/^ {2}write +not asked$/m)
  expect([server.requests.some(({ method }) => method === 'PUT'), await readdir(dir)]).toEqual([
    false,
    ['holdall.config.json'],
  ])
})

describe('an address of the wrong scheme', () => {
  const explains = async (endpointUrl: string, right: string) => {
    await config({ default: s3({ endpointUrl }) })
    const { connect } = await checked()
    expect([connect.state, connect.error?.message]).toEqual([
      'failed',
      expect.stringContaining(`endpointUrl (AWS_S3_ENDPOINT_URL): write ${right}`),
    ])
  }

  test('http where the port speaks TLS', async () => {
    const [key, cert] = ['key.pem', 'cert.pem'].map(name => join(dir, name))
    const subject = ['-subj', '/CN=localhost', '-days', '1']
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        key!,
        '-out',
        cert!,
        ...subject,
      ],
      { stdio: 'ignore' },
    )
    await using web = await listening(createTlsServer({ key: await readFile(key!), cert: await readFile(cert!) }))
    await explains(`http://127.0.0.1:${web.port}`, `https://127.0.0.1:${web.port}`)
  })

  test.each([
    [400, {}, '<html><center>The plain HTTP request was sent to HTTPS port</center></html>'],
    [400, {}, 'Client sent an HTTP request to an HTTPS server.\n'],
    [301, { location: 'https://127.0.0.1/' }, ''],
  ])('http where the server answers %d %j %s', async (status, headers, body) => {
    await using web = await listening(createServer((_, response) => response.writeHead(status, headers).end(body)))
    await explains(web.url, web.url.replace('http:', 'https:'))
  })

  test('https where the port speaks no TLS', async () => {
    await using web = await listening(createServer((_, response) => response.end()))
    await explains(`https://127.0.0.1:${web.port}`, web.url)
  })
})

describe('advice on the bucket', () => {
  const advised = async (backend: string, OPTIONS: object) => {
    await config({ a: { BACKEND: backend, OPTIONS } })
    return (await checked('--dry-run')).advice.join('\n')
  }
  const closed = { endpointUrl: 'http://127.0.0.1:9', maxAttempts: 1 }

  test('that the address names already', async () => {
    const start = "storage 'a': endpointUrl (AWS_S3_ENDPOINT_URL): its"
    expect(await advised('s3', { ...closed, bucketName: 'media', endpointUrl: 'http://media.localhost:9' })).toBe('')
    expect(await advised('s3', { ...closed, bucketName: 'media', endpointUrl: 'http://media.s3.localhost:9' })).toBe(
      `${start} host begins with the bucket's name, which is added anyway: leave 'media.' out.`,
    )
    expect(await advised('s3', { ...closed, bucketName: 'media', endpointUrl: 'http://127.0.0.1:9/media' })).toBe(
      `${start} path is the bucket's name, which is added anyway: leave '/media' out.`,
    )
  })

  const proxies = { http: 'http://127.0.0.1:9', https: 'http://127.0.0.1:9' }
  test.each([
    ['s3', 'bucketName', 'My_Bucket', ['no capital letters', 'no underscore']],
    ['s3', 'bucketName', 'ab', ['3 to 63 characters']],
    ['s3', 'bucketName', '-media-', ['begin and end']],
    ['s3', 'bucketName', '192.168.1.1', ['IP address']],
    ['gcs', 'bucketName', 'my.Google', ['no capital letters']],
    ['azure', 'azureContainer', 'my_container', ['letters, digits and hyphens only']],
    ['azure', 'azureContainer', 'a--b', ['two hyphens']],
  ])('that %s cannot have: %s %s', async (backend, option, name, words) => {
    const own = {
      s3: { accessKey: 'a', secretKey: 'b' },
      gcs: { credentials: 'anonymous' },
      azure: { accountName: 'account', accountKey: 'a2V5' },
    }[backend]
    const advice = await advised(backend, { ...own, [option]: name, maxAttempts: 1, proxies })
    for (const word of words) expect(advice).toContain(word)
    expect(advice).toContain(`${option} (`)
  })

  test('nothing where it is fine, or the service is another one', async () => {
    expect(
      await advised('s3', { accessKey: 'a', secretKey: 'b', bucketName: 'my-bucket.1', maxAttempts: 1, proxies }),
    ).toBe('')
    expect(await advised('s3', { ...closed, accessKey: 'a', secretKey: 'b', bucketName: 'My_Bucket' })).toBe('')
  })
})

describe('a message about a setting', () => {
  test('names the option first, and the setting second', async () => {
    await config({ default: { BACKEND: 's3', OPTIONS: { accessKey: 'a', secretKey: 'b' } } })
    expect((await cli('ls')).stderr).toContain('bucketName (AWS_STORAGE_BUCKET_NAME) must be set')
    await config(
      { default: { BACKEND: 's3', OPTIONS: { accessKey: 'a', secretKey: 'b' } } },
      { AWS_STORAGE_BUCKET_NAME: 'm', AWS_S3_MAX_POOL_CONNECTIONS: 'x' },
    )
    expect((await cli('ls')).stderr).toContain("storage 'default': maxSockets (AWS_S3_MAX_POOL_CONNECTIONS): expected")
    await config({ default: s3({ bucketName: 'absent' }) })
    const { connect } = await checked()
    expect(connect.error?.message).toContain('bucketName (AWS_STORAGE_BUCKET_NAME) is not a bucket')
    expect((await cli('ls')).stderr).toContain('bucketName (AWS_STORAGE_BUCKET_NAME) is not a bucket')
  })

  test.each([
    ['local', 'root', 'location'],
    ['local', 'path', 'location'],
    ['local', 'base_path', 'location'],
    ['s3', 'key', 'accessKey'],
    ['s3', 'secret', 'secretKey'],
    ['s3', 'endpoint', 'endpointUrl'],
    ['azure', 'account', 'accountName'],
  ])('of %s suggests for %s the option %s', async (backend, wrong, right) => {
    await config({ default: { BACKEND: backend, OPTIONS: { [wrong]: 'x' } } })
    expect((await cli('ls')).stderr).toContain(`Invalid setting '${wrong}'`)
    expect((await cli('ls')).stderr).toContain(`(did you mean '${right}'?)`)
  })

  test('lists the aliases that are known', async () => {
    await config({ default: { BACKEND: 'memory' }, media: { BACKEND: 'memory' } })
    for (const args of [
      ['ls', 'x:'],
      ['put', 'holdall.config.json', 'x:'],
      ['check', 'x'],
    ]) {
      const { stdout, stderr } = await cli(...args)
      expect(stdout + stderr).toContain("Could not find config for 'x' in settings.STORAGES. Known: default, media")
    }
  })
})

interface Web extends AsyncDisposable {
  readonly port: number
  readonly url: string
}

async function listening(web: Server): Promise<Web> {
  await new Promise<void>(resolve => web.listen(0, '127.0.0.1', resolve))
  const { port } = web.address() as AddressInfo
  const close = async () => {
    web.closeAllConnections()
    await new Promise(resolve => web.close(resolve))
  }
  return { port, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close }
}

describe('what a copy within the storage means', () => {
  const read = 'small files are read and sent again by this machine'
  test.each([
    ['Amazon', { provider: 'aws' }, 'by the service, also without overwriting'],
    ['MinIO', { provider: 'minio' }, `by the service; without overwriting, ${read}`],
    [
      'a service without conditions',
      { conditionalWrites: 'off' },
      'by the service; without overwriting, the name is asked for first',
    ],
  ])('is shown for %s', async (_, options, text) => {
    await config({ default: s3(options) })
    expect((await cli('check')).stdout).toContain(`  a copy within it: ${text}\n`)
    expect(JSON.parse((await cli('--json', 'check')).stdout)).toMatchObject({ storages: [{ copies: text }] })
  })

  test('is not where the files are on this machine', async () => {
    await config({ default: { BACKEND: 'local', OPTIONS: { location: dir } } })
    expect((await cli('check')).stdout).not.toContain('a copy within it')
  })

  test('is that of the driver elsewhere', () => {
    const features = { ranges: true, exclusiveCreate: false, ifMatch: false, metadata: false }
    const copy = (): Promise<undefined> => Promise.resolve(undefined)
    const note = (driver: object, more: object = {}) =>
      copyNote({ name: 'x', ...driver } as unknown as Driver, { ...features, ...more })
    expect(note({})).toBe('files are read and sent again by this machine')
    expect(note({ copy }, { rereads: 'always' })).toBe('files are read and sent again by this machine')
    expect(note({ copy }, { rereads: 'maybe' })).toContain('by the server where it can')
    expect(note({ copy }, { rereads: 'small', checkedCopy: true })).toContain(read)
    expect(note({ copy }, { rereads: 'small' })).toContain('the name is asked for first')
  })
})
