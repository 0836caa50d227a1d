/** Keys that end while they are in use, and what is learnt of a service meanwhile. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { S3Driver } from '../../../src/backends/s3/driver.ts'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import { presetOf } from '../../../src/backends/s3/settings/presets.ts'
import { Renewed } from '../../../src/remote/token.ts'
import { plainContext } from '../../../src/testing/index.ts'
import { refusal, type Scripted, scripted, storageOf, uploadOf } from './scripted.ts'

const PART = 5 * 1024 * 1024

function refuse(response: ServerResponse, code: string, status = 400): void {
  response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`)
}

function tokens({ asked }: Scripted): unknown[] {
  return asked.map(({ headers }) => headers['x-amz-security-token'])
}

/** Keys by number, of which each load gives the next. */
function numbered(): { keys: Renewed<{ accessKeyId: string; secretAccessKey: string; sessionToken: string }> } {
  let number = 0
  const load = async () => ({ accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: `token-${++number}` })
  return { keys: new Renewed(load, { endOf: () => undefined }) }
}

function driverOf(server: Scripted): S3Driver {
  return new S3Driver({
    bucketName: 'bkt',
    endpointUrl: server.url,
    regionName: 'us-east-1',
    credentials: numbered().keys,
    signatureVersion: 's3v4',
    preset: presetOf('aws', server.url),
    conditionalWrites: 'off',
    checksum: 'none',
    multipartThreshold: PART,
    partSize: PART,
    uploadConcurrency: 3,
  })
}

describe('keys that have ended', () => {
  test.each(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'])(
    'by %s are loaded again, once for all requests, and the request is repeated',
    async code => {
      await using server = await scripted((request, response) => {
        if (request.headers['x-amz-security-token'] === 'token-1') refuse(response, code)
        else response.writeHead(200, { etag: '"e"', 'content-length': 1 }).end(request.method === 'HEAD' ? '' : 'x')
      })
      await using driver = Object.assign(driverOf(server), { [Symbol.asyncDispose]: () => driver.close() })
      const names = ['a', 'b', 'c']
      const found = await Promise.all(names.map(name => driver.stat(name, plainContext())))
      expect(found.map(({ size }) => size)).toEqual([1, 1, 1])
      expect(new Set(tokens(server))).toEqual(new Set(['token-1', 'token-2']))
    },
  )

  test('in the middle of an upload in parts cost one part twice and nothing else', async () => {
    const seen: string[] = []
    await using server = await scripted(({ method, url = '', headers }, response) => {
      const number = /partNumber=(\d)/.exec(url)?.[1]
      seen.push(number ?? method!)
      if (number === '3' && headers['x-amz-security-token'] === 'token-1') refuse(response, 'ExpiredToken')
      else if (url.includes('?uploads')) response.end(uploadOf('u'))
      else if (number !== undefined) response.writeHead(200, { etag: `"${number}"` }).end()
      else response.end('<CompleteMultipartUploadResult><ETag>"e-3"</ETag></CompleteMultipartUploadResult>')
    })
    const driver = driverOf(server)
    onTestFinished(() => driver.close())
    const { bytesContent } = await import('../../../src/core/content.ts')
    await driver.write('big', bytesContent(Buffer.alloc(2 * PART + 1)), {}, plainContext())
    expect(seen.filter(each => each === '3')).toHaveLength(2)
    expect(seen.filter(each => each === '1' || each === '2' || each === 'POST').sort()).toEqual([
      '1',
      '2',
      'POST',
      'POST',
    ])
  })

  test('and whose successors are refused as well are an error after one repetition', async () => {
    await using server = await scripted((_request, response) => refuse(response, 'ExpiredToken'))
    const driver = driverOf(server)
    onTestFinished(() => driver.close())
    await expect(driver.delete('a', plainContext())).rejects.toMatchObject({ serviceCode: 'ExpiredToken' })
    expect(tokens(server)).toEqual(['token-1', 'token-2'])
  })

  test('of a profile are read from its file again', async () => {
    const home = mkdtempSync(join(tmpdir(), 'holdall-test-'))
    onTestFinished(() => rmSync(home, { recursive: true }))
    const file = join(home, 'credentials')
    const write = (token: string) =>
      writeFileSync(file, `[p]\naws_access_key_id=id\naws_secret_access_key=secret\naws_session_token=${token}\n`)
    write('old')
    await using server = await scripted((request, response) => {
      if (request.headers['x-amz-security-token'] === 'old') refuse(response, 'ExpiredToken')
      else response.writeHead(200, { etag: '"e"' }).end('ok')
      write('new')
    })
    const { accessKey: _a, secretKey: _b, securityToken: _c, ...place } = server.options as Record<string, unknown>
    const env = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: join(home, 'config') }
    await using files = new S3Storage({ ...place, sessionProfile: 'p' }, { settings: {}, env })
    expect(await files.readText('a')).toBe('ok')
    expect(tokens(server)).toEqual(['old', 'new'])
  })

  test('and were given in the settings are an error at once: there are no others', async () => {
    await using server = await scripted((_request, response) => refuse(response, 'ExpiredToken'))
    expect(await refusal(server.options, files => files.readText('a'))).toMatchObject({ code: 'permission_denied' })
    expect(server.asked).toHaveLength(1)
  })
})

test.each(['ExpiredToken', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'RequestTimeTooSkewed'])(
  'a trial of conditions that is refused by %s says nothing of the service',
  async code => {
    const taken = new Set<string>()
    await using server = await scripted(({ method, url = '', headers }, response, count) => {
      if (count === 0) refuse(response, code, 403)
      else if (method === 'DELETE') response.writeHead(204).end()
      else if (headers['if-match'] !== undefined && headers['if-match'] !== '"e"') response.writeHead(412).end()
      else if (headers['if-none-match'] === '*' && taken.has(url)) response.writeHead(412).end()
      else {
        taken.add(url)
        response.writeHead(200, { etag: '"e"' }).end()
      }
    })
    await using files = storageOf({ ...server.options, conditionalWrites: 'auto' })
    await expect(files.discover()).rejects.toMatchObject({ code: 'permission_denied' })
    await files.discover()
    expect(files.features).toMatchObject({ exclusiveCreate: true, ifMatch: true })
  },
)

test('a form is signed by the clock of the service once that is known', async () => {
  const clock = new Date(Date.now() + 3 * 3600_000)
  await using server = await scripted((_request, response, count) => {
    response.setHeader('date', clock.toUTCString())
    if (count === 0) refuse(response, 'RequestTimeTooSkewed', 403)
    else response.writeHead(200, { etag: '"e"' }).end('ok')
  })
  await using files = storageOf(server.options)
  await files.readText('a')
  const { fields } = await files.uploadForm('a')
  const text = fields['X-Amz-Date'] ?? fields['x-amz-date'] ?? ''
  const at = Date.parse(text.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z'))
  expect(Math.abs(at - clock.getTime())).toBeLessThan(60_000)
})
