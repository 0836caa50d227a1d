/** Buckets by `storage.driver`, by a token and by an HMAC key: requests, errors, odd answers, faults. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { GcsOptions, GcsStorage } from '../../../src/backends/gcs/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { lackingElement, lackingFields } from '../../faults/answers.ts'
import { describeContainerFaults } from '../../faults/containers.ts'
import { after, jsonLies, LIES, liesBut, xmlLies } from '../../faults/lies.ts'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { scripted } from './scripted.ts'
import { at, storageWith } from './support.ts'

const server = await startStrictGcs()
afterAll(() => server.close())
beforeEach(() => {
  server.requests.length = 0
})

const { projectId } = server
const hmac = { hmacKeyId: server.hmac.accessId, hmacSecret: server.hmac.secret, credentials: null, projectId }
const WAYS: ReadonlyArray<readonly [title: string, options: Input<GcsOptions>]> = [
  ['a token', { projectId }],
  ['GOOG4', hmac],
  ['GOOG1', { ...hmac, hmacSignature: 'GOOG1' }],
]
const storage = (options: Input<GcsOptions>): GcsStorage => storageWith({ ...at(server), maxAttempts: 1, ...options })

describe.each(WAYS)('buckets of Google Cloud Storage by %s', (title, options) => {
  // No bucket may begin with `goog`.
  const prefix = `by-${title.toLowerCase().replace(' ', '-').replace('goog', 'v')}`

  test('are created, listed, looked up and deleted', async () => {
    await using store = storage(options)
    const name = `${prefix}-bucket-1`
    expect(await store.driver.createContainer(name)).toEqual({ name })
    expect((await store.driver.listContainers()).map(each => each.name)).toContain(name)
    expect(await store.driver.getContainer(name)).toMatchObject({ name })
    await expect(store.driver.createContainer(name)).rejects.toMatchObject({ code: 'exists', containerName: name })
    await using inside = storage({ ...options, bucketName: name })
    await inside.save('a', 'x')
    await expect(store.driver.deleteContainer(name)).rejects.toMatchObject({ code: 'not_empty' })
    await inside.delete('a')
    await store.driver.deleteContainer(name)
    await expect(store.driver.getContainer(name)).rejects.toMatchObject({
      code: 'not_found',
      message: `getContainer '${name}': the container does not exist.`,
    })
    await expect(store.driver.deleteContainer(name)).rejects.toMatchObject({ code: 'not_found' })
  })

  test('are not created by the way, but autoCreateBucket and createContainer make the own one', async () => {
    const own = `${prefix}-own`
    await using store = storage({ ...options, bucketName: own, autoCreateBucket: true })
    await expect(store.driver.getContainer(own)).rejects.toMatchObject({ code: 'not_found' })
    await expect(store.driver.deleteContainer(`${own}2`)).rejects.toMatchObject({ code: 'not_found' })
    expect(() => server.bucket(own)).toThrow()
    expect(await store.save('made', 'x')).toBe('made')
    expect(server.bucket(own).objects.size).toBe(1)
    await store.driver.createContainer()
    await storage({ ...options, bucketName: `${own}3` }).createContainer()
    expect(server.bucket(`${own}3`).objects.size).toBe(0)
  })

  test('cases 13 and 78: the project goes with the request, signed where a key signs', async () => {
    await using store = storage(options)
    await store.driver.createContainer(`${prefix}-project`)
    await store.driver.listContainers()
    const asked = server.requests.filter(({ operation }) =>
      /listBuckets|createBucket|buckets\.(?:list|insert)/.test(operation),
    )
    expect(asked).toHaveLength(2)
    for (const { headers, url } of asked) {
      if (title === 'a token') expect(url).toContain(`project=${projectId}`)
      else expect(headers['x-goog-project-id']).toBe(projectId)
      if (title === 'GOOG4') expect(headers['authorization']).toMatch(/SignedHeaders=[^,]*x-goog-project-id/)
      if (title === 'GOOG1') expect(headers['authorization']).toMatch(/^GOOG1 /)
    }
  })
})

describe('buckets of Google Cloud Storage', () => {
  test('need a project for a token, and take that of the environment', async () => {
    const files = scripted(() => ({ json: { kind: 'storage#buckets' } }))
    await expect(files.driver.listContainers()).rejects.toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining('GS_PROJECT_ID'),
    })
    const named = scripted(() => ({ json: { kind: 'storage#buckets' } }), {}, { GOOGLE_CLOUD_PROJECT: 'of-env' })
    expect(await named.driver.listContainers()).toEqual([])
    expect(named.asked[0]!.url).toContain('project=of-env')
    const key = { hmacKeyId: 'GOOG1E', hmacSecret: 's', credentials: null }
    const signed = scripted(() => service(''), key, { GOOGLE_CLOUD_PROJECT: 'of-env' })
    expect(await signed.driver.listContainers()).toEqual([])
    expect(signed.asked[0]!.headers['x-goog-project-id']).toBe('of-env')
    const without = scripted(() => service(''), key)
    await without.driver.listContainers()
    expect(without.asked[0]!.headers).not.toHaveProperty('x-goog-project-id')
  })

  test('whose rows are odd are listed one by one, and pages are gone through', async () => {
    const files = scripted(
      ({ url }) => {
        if (url.includes('pageToken=t')) return { json: { kind: 'storage#buckets', items: [{ name: 'c' }] } }
        const items = [
          null,
          {},
          { name: 7 },
          { name: 'a', timeCreated: 'soon' },
          { name: 'b', timeCreated: '2020-02-03T04:05:06Z' },
        ]
        return { json: { kind: 'storage#buckets', items, nextPageToken: 't' } }
      },
      { projectId: 'p' },
    )
    expect(await files.driver.listContainers()).toEqual([
      { name: 'a', createdAt: undefined },
      { name: 'b', createdAt: new Date('2020-02-03T04:05:06Z') },
      { name: 'c', createdAt: undefined },
    ])
  })

  test('case 79: are listed from a document in the namespace of doc.s3.amazonaws.com', async () => {
    const files = scripted(
      () =>
        service(
          '<Buckets><Bucket><Name>a</Name><CreationDate>2020-02-03T04:05:06.000Z</CreationDate></Bucket></Buckets>',
        ),
      { hmacKeyId: 'GOOG1E', hmacSecret: 's', credentials: null },
    )
    expect(await files.driver.listContainers()).toEqual([{ name: 'a', createdAt: new Date('2020-02-03T04:05:06Z') }])
  })
})

function service(inner: string): { status: number; headers: Record<string, string>; body: string } {
  const body = `<?xml version='1.0'?><ListAllMyBucketsResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>${inner}</ListAllMyBucketsResult>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}

const JSON_LIES = jsonLies({ kind: 'storage#object', id: 'k' }, { error: { code: 500, message: 'x' } })
describeContainerFaults({
  title: 'requests about buckets of the JSON API',
  server,
  storage: maxAttempts => storage({ projectId, maxAttempts }),
  lookUp: name => server.bucket(name),
  steps: {
    create: { operation: 'buckets.insert', lies: JSON_LIES },
    stat: { operation: 'buckets.get', lies: [...JSON_LIES, after('no name', lackingFields('name'))] },
    list: { operation: 'buckets.list', lies: [...JSON_LIES, after('no kind', lackingFields('kind'))] },
    delete: { operation: 'buckets.delete', lies: LIES },
  },
})
describeContainerFaults({
  title: 'requests about buckets of the XML API',
  server,
  storage: maxAttempts => storage({ ...hmac, maxAttempts }),
  lookUp: name => server.bucket(name),
  steps: {
    create: { operation: 'xml.createBucket', lies: liesBut('an empty 200') },
    stat: { operation: 'xml.listObjects', lies: xmlLies('Name') },
    list: { operation: 'xml.listBuckets', lies: [...xmlLies('Name'), after('no names', lackingElement('Name'))] },
    delete: { operation: 'xml.deleteBucket', lies: LIES },
  },
})
