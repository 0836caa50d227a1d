/** Containers by `storage.driver`: requests, errors, odd answers, faults. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { AzureOptions, AzureStorage } from '../../../src/backends/azure/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { lackingElement, without } from '../../faults/answers.ts'
import { describeContainerFaults } from '../../faults/containers.ts'
import { after, LIES, xmlLies } from '../../faults/lies.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { scriptedClient } from '../../support/scripted-client.ts'
import { keyOptions } from './strict-storage.ts'
import { storageWith } from './support.ts'

const server = await startStrictAzure({ versioning: true })
afterAll(() => server.close())
beforeEach(() => {
  server.requests.length = 0
  server.faults.clear()
})

const storage = (options: Input<AzureOptions> = {}): AzureStorage =>
  storageWith({ ...keyOptions(server), maxAttempts: 1, ...options })
const operations = (): string[] => server.requests.map(({ operation, container }) => `${operation} ${container}`.trim())

describe('containers of Azure', () => {
  test('are created, listed, looked up and deleted', async () => {
    await using store = storage()
    expect(await store.driver.createContainer('bucket-1')).toEqual({ name: 'bucket-1' })
    expect(await store.driver.listContainers()).toEqual([{ name: 'bucket-1' }, { name: 'media' }])
    expect(await store.driver.getContainer('bucket-1')).toEqual({ name: 'bucket-1' })
    await expect(store.driver.createContainer('bucket-1')).rejects.toMatchObject({
      code: 'exists',
      outcome: 'not_applied',
      containerName: 'bucket-1',
    })
    await store.driver.deleteContainer('bucket-1')
    await expect(store.driver.getContainer('bucket-1')).rejects.toMatchObject({
      code: 'not_found',
      message: "getContainer 'bucket-1': the container does not exist.",
    })
    await expect(store.driver.deleteContainer('bucket-1')).rejects.toMatchObject({ code: 'not_found' })
    expect(operations()).toEqual([
      'CreateContainer bucket-1',
      'ListContainers',
      'GetContainerProperties bucket-1',
      'CreateContainer bucket-1',
      'ListBlobs bucket-1',
      'DeleteContainer bucket-1',
      'GetContainerProperties bucket-1',
      'ListBlobs bucket-1',
    ])
  })

  test('with a blob, an old version or a blob that is being uploaded are `not_empty`: the service would delete all', async () => {
    await using store = storage()
    await store.driver.createContainer('full')
    await using inside = storage({ azureContainer: 'full' })
    await inside.save('a', 'x')
    server.plans.emptyPages = 2
    const refused = { code: 'not_empty', containerName: 'full', outcome: 'not_applied' }
    await expect(store.driver.deleteContainer('full')).rejects.toMatchObject(refused)
    server.plans.emptyPages = 0
    expect(await inside.readText('a')).toBe('x')
    await inside.delete('a')
    await expect(store.driver.deleteContainer('full')).rejects.toMatchObject(refused)
    server.container('full').versions.clear()
    server.container('full').uncommitted.set('begun', new Map() as never)
    await expect(store.driver.deleteContainer('full')).rejects.toMatchObject(refused)
    server.container('full').uncommitted.clear()
    await store.driver.deleteContainer('full')
    expect(operations().filter(each => each.startsWith('DeleteContainer'))).toHaveLength(1)
  })

  test('that are being deleted are neither there nor free', async () => {
    await using store = storage()
    const refuse = (operation: string): void =>
      server.faults.add({ operation, fault: { do: 'refuse', status: 409, code: 'ContainerBeingDeleted' } })
    refuse('CreateContainer')
    await expect(store.driver.createContainer('going')).rejects.toMatchObject({
      code: 'unavailable',
      outcome: 'not_applied',
      message: expect.stringContaining('takes at least 30 seconds'),
    })
    refuse('GetContainerProperties')
    await expect(store.driver.getContainer('going')).rejects.toMatchObject({ code: 'not_found' })
    refuse('ListBlobs')
    await expect(store.driver.deleteContainer('going')).rejects.toMatchObject({ code: 'not_found' })
  })

  test('whose names the service never takes are `invalid_argument`', async () => {
    await using store = storage()
    for (const name of ['no', 'UPPER', 'a--b', 'a'.repeat(64), 'ümlaut', 'a?b', 'a b']) {
      await expect(store.driver.createContainer(name), name).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    server.requests.length = 0
    for (const name of ['', '..', 'a/b', 'a\\b', 'a\0b']) {
      await expect(store.driver.deleteContainer(name), name).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(operations()).toEqual([])
  })

  test('whose rows are odd are listed one by one, and pages are gone through', async () => {
    const asked: string[] = []
    const page = (rows: string, next: string): string =>
      `<EnumerationResults><Containers>${rows}</Containers><NextMarker>${next}</NextMarker></EnumerationResults>`
    const httpClient = scriptedClient(({ url }) => {
      asked.push(url)
      const rows = '<Container/><Container><Name>a</Name></Container><Container><Name></Name></Container>'
      const body = url.includes('marker=') ? page('<Container><Name>$web</Name></Container>', '') : page(rows, 'm 1')
      return { status: 200, headers: { 'content-type': 'application/xml' }, body }
    })
    const files = storageWith({ ...keyOptions(server), maxAttempts: 1 }, { httpClient })
    expect(await files.driver.listContainers()).toEqual([{ name: 'a' }, { name: '$web' }])
    expect(asked[1]).toContain('marker=m%201')
  })
})

const DONE = after('neither id nor version', truth => without(truth, 'x-ms-request-id', 'x-ms-version'))
describeContainerFaults({
  title: 'requests about containers of Azure',
  server,
  storage: maxAttempts => storage({ maxAttempts }),
  lookUp: name => server.container(name),
  lookUps: { delete: 'ListBlobs' },
  steps: {
    create: { operation: 'CreateContainer', lies: [...LIES, DONE] },
    stat: { operation: 'GetContainerProperties', lies: LIES },
    list: {
      operation: 'ListContainers',
      lies: [
        ...xmlLies('Name'),
        after('no names', lackingElement('Name')),
        after('no list', lackingElement('Containers')),
      ],
    },
    delete: { operation: 'DeleteContainer', lies: [...LIES, DONE] },
  },
})
