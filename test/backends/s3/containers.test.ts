/** Buckets by `storage.driver`: requests, errors, regions, odd answers, faults. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { S3Storage } from '../../../src/backends/s3/index.ts'
import type { S3Options } from '../../../src/backends/s3/settings/settings.ts'
import { SpacesStorage } from '../../../src/backends/spaces/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { lackingElement } from '../../faults/answers.ts'
import { describeContainerFaults } from '../../faults/containers.ts'
import { after, liesBut, xmlLies } from '../../faults/lies.ts'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { scriptedClient } from '../../support/scripted-client.ts'

const server = await startStrictS3({ foreignBuckets: ['taken'] })
const lenient = await startStrictS3({ recreates: true })
afterAll(() => Promise.all([server, lenient].map(one => one.close())))
beforeEach(() => {
  server.requests.length = 0
})

function storage(options: Input<S3Options> = {}, at = server): S3Storage {
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = at.credentials
  const place = { bucketName: 'media', endpointUrl: at.url, regionName: at.region, accessKey, secretKey }
  return new S3Storage({ maxAttempts: 1, ...place, ...options }, { settings: {}, env: {} })
}

const operations = (): string[] => server.requests.map(({ operation, bucket }) => `${operation} ${bucket}`.trim())

describe('buckets of S3', () => {
  test('are created, listed, looked up and deleted as the manual has it', async () => {
    await using store = storage()
    expect(await store.driver.createContainer('bucket-1')).toEqual({ name: 'bucket-1' })
    const listed = await store.driver.listContainers()
    expect(listed.map(({ name }) => name)).toEqual(['bucket-1', 'media'])
    expect(listed[0]!.createdAt).toBeInstanceOf(Date)
    expect(await store.driver.getContainer(listed[0]!)).toEqual({ name: 'bucket-1' })
    await store.driver.deleteContainer(listed[0]!)
    await expect(store.driver.getContainer('bucket-1')).rejects.toMatchObject({
      code: 'not_found',
      containerName: 'bucket-1',
      operation: 'getContainer',
      message: "getContainer 'bucket-1': the container does not exist.",
    })
    expect(operations()).toEqual([
      'ListObjectsV2 bucket-1',
      'CreateBucket bucket-1',
      'ListBuckets',
      'ListObjectsV2 bucket-1',
      'DeleteBucket bucket-1',
      'ListObjectsV2 bucket-1',
    ])
  })

  test('case 76: a name that is taken is `exists`, by whomever it was taken', async () => {
    await using store = storage()
    await expect(store.driver.createContainer('taken')).rejects.toMatchObject({
      code: 'exists',
      outcome: 'not_applied',
      containerName: 'taken',
      message: expect.stringContaining('BucketAlreadyExists'),
    })
    await expect(store.driver.createContainer('media')).rejects.toMatchObject({ code: 'exists' })
    await using lax = storage({}, lenient)
    await expect(lax.driver.createContainer('media')).rejects.toMatchObject({ code: 'exists' })
    expect(lenient.requests.map(({ operation }) => operation)).not.toContain('CreateBucket')
  })

  test('that another account has are `permission_denied`', async () => {
    await using store = storage()
    await expect(store.driver.getContainer('taken')).rejects.toMatchObject({ code: 'permission_denied' })
  })

  test('with files are `not_empty` and stay', async () => {
    await using store = storage()
    await using inside = storage({ bucketName: 'full' })
    await store.driver.createContainer('full')
    await inside.save('a', 'x')
    await expect(store.driver.deleteContainer('full')).rejects.toMatchObject({
      code: 'not_empty',
      containerName: 'full',
      outcome: 'not_applied',
    })
    await inside.delete('a')
    await store.driver.deleteContainer('full')
  })

  test('are not created by the way, also with autoCreateBucket', async () => {
    await using store = storage({ autoCreateBucket: true, bucketName: 'own' })
    await expect(store.driver.getContainer('other')).rejects.toMatchObject({ code: 'not_found' })
    await expect(store.driver.deleteContainer('own')).rejects.toMatchObject({ code: 'not_found' })
    expect((await store.driver.listContainers()).map(({ name }) => name)).toEqual(['media'])
  })

  test('are in the host where the style is virtual, and the account is at the endpoint', async () => {
    const asked: string[] = []
    const httpClient = scriptedClient(({ method, url }) => {
      asked.push(`${method} ${url.replace(/\?.*/, '')}`)
      if (method !== 'GET') return { status: method === 'PUT' ? 200 : 204 }
      if (url.includes('max-buckets')) return xml('<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>')
      return { status: 404, body: '<Error><Code>NoSuchBucket</Code></Error>' }
    })
    const keys = { accessKey: 'AKID', secretKey: 'secret' }
    const services = { httpClient, settings: {}, env: {} }
    const amazon = new S3Storage({ ...keys, bucketName: 'media', regionName: 'eu-west-1' }, services)
    await amazon.driver.createContainer('one')
    await amazon.driver.createContainer('dotted.name')
    await amazon.driver.listContainers()
    await amazon.driver.deleteContainer('one')
    const spaces = new SpacesStorage({ ...keys, bucketName: 'media', regionName: 'nyc3' }, services)
    await spaces.driver.listContainers()
    await spaces.driver.createContainer('two')
    const below = new S3Storage({ ...keys, bucketName: 'media', endpointUrl: 'http://h:1/base' }, services)
    await below.driver.listContainers()
    await below.driver.deleteContainer('three')
    expect(asked).toEqual([
      'GET https://one.s3.eu-west-1.amazonaws.com/',
      'PUT https://one.s3.eu-west-1.amazonaws.com/',
      'GET https://s3.eu-west-1.amazonaws.com/dotted.name',
      'PUT https://s3.eu-west-1.amazonaws.com/dotted.name',
      'GET https://s3.eu-west-1.amazonaws.com/',
      'DELETE https://one.s3.eu-west-1.amazonaws.com/',
      'GET https://nyc3.digitaloceanspaces.com/',
      'GET https://nyc3.digitaloceanspaces.com/two',
      'PUT https://nyc3.digitaloceanspaces.com/two',
      'GET http://h:1/base/',
      'DELETE http://h:1/base/three',
    ])
    const bodies = httpClient.asked.filter(({ method }) => method === 'PUT').map(({ body }) => body.toString())
    expect(bodies[0]).toContain('<LocationConstraint>eu-west-1</LocationConstraint>')
    expect(bodies[2]).toBe('')
  })

  test('case 75: a bucket in another region is reached there; where it cannot be, the error names both regions', async () => {
    const elsewhere = (region: string) => ({
      status: 301,
      headers: { 'x-amz-bucket-region': region },
      body: '<Error><Code>PermanentRedirect</Code><Message>Elsewhere.</Message></Error>',
    })
    const options = { accessKey: 'AKID', secretKey: 'secret', bucketName: 'media', regionName: 'us-west-2' }
    const moved = scriptedClient(({ url }) =>
      url.includes('eu-west-1') ? xml('<ListBucketResult><Name>b</Name></ListBucketResult>') : elsewhere('eu-west-1'),
    )
    const files = new S3Storage(options, { httpClient: moved, settings: {}, env: {} })
    expect(await files.driver.getContainer('b-1')).toEqual({ name: 'b-1' })
    expect(moved.asked.map(({ url }) => new URL(url).host)).toEqual([
      'b-1.s3.us-west-2.amazonaws.com',
      'b-1.s3.eu-west-1.amazonaws.com',
    ])

    // A region of another partition is not followed.
    const chinese = new S3Storage(options, {
      httpClient: scriptedClient(() => elsewhere('cn-north-1')),
      settings: {},
      env: {},
    })
    await expect(chinese.driver.getContainer('b-1')).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringMatching(/in the region 'cn-north-1', not in 'us-west-2'/),
    })
  })

  test('whose rows are odd are listed one by one', async () => {
    const listing = (rows: string): S3Storage =>
      new S3Storage(
        { accessKey: 'AKID', secretKey: 'secret', bucketName: 'media', maxAttempts: 1 },
        {
          httpClient: scriptedClient(() => xml(`<ListAllMyBucketsResult>${rows}</ListAllMyBucketsResult>`)),
          settings: {},
          env: {},
        },
      )
    const odd = listing(
      '<Owner/><Buckets><Bucket><CreationDate>x</CreationDate></Bucket><Bucket><Name>a</Name><CreationDate>soon</CreationDate></Bucket>' +
        '<Bucket><Name></Name></Bucket><Bucket><Name>b</Name><CreationDate>2020-02-03T04:05:06.000Z</CreationDate></Bucket></Buckets>',
    )
    expect(await odd.driver.listContainers()).toEqual([
      { name: 'a', createdAt: undefined },
      { name: 'b', createdAt: new Date('2020-02-03T04:05:06Z') },
    ])
    expect(await listing('').driver.listContainers()).toEqual([])
    await expect(listing('<Buckets><Bucket/></Buckets>').driver.listContainers()).rejects.toMatchObject({
      code: 'unavailable',
    })
    const endless = listing('<Buckets/><ContinuationToken>t</ContinuationToken>')
    await expect(endless.driver.listContainers()).rejects.toMatchObject({
      code: 'unavailable',
      operation: 'listContainers',
    })
  })

  test('with names that mean something in a URL are refused before anything is sent', async () => {
    await using store = storage()
    for (const name of ['', '.', '..', 'a/b', 'a\\b', 'a\nb', 'a b', 'a?b', 'a#b', 'a%2fb', '\ud800', 'é', '@host']) {
      for (const method of ['createContainer', 'getContainer', 'deleteContainer'] as const) {
        await expect(store.driver[method](name), `${method} ${name}`).rejects.toMatchObject({
          code: 'invalid_argument',
        })
      }
    }
    expect(operations()).toEqual([])
    await expect(store.driver.createContainer('UPPER')).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

function xml(body: string): { status: 200; headers: Record<string, string>; body: string } {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}

const DONE = liesBut('an empty 200')
describeContainerFaults({
  title: 'requests about buckets of S3',
  server,
  storage: maxAttempts => storage({ maxAttempts }),
  lookUp: name => server.bucket(name),
  lookUps: { create: 'ListObjectsV2' },
  steps: {
    create: { operation: 'CreateBucket', lies: DONE },
    stat: { operation: 'ListObjectsV2', lies: xmlLies('Name') },
    list: { operation: 'ListBuckets', lies: [...xmlLies('Name'), after('no names', lackingElement('Name'))] },
    delete: { operation: 'DeleteBucket', lies: DONE },
  },
})
