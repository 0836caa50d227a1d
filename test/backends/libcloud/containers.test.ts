/** Containers of an account by `storage.driver`, over one provider of each family. */
import { afterAll, describe, expect, it } from 'vitest'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
import { startPlaces } from './places.ts'
import { entryOf, hostOf, storageOf } from './support.ts'

const places = await startPlaces()
const opened = places.map(place => ({ ...place, storage: storageOf(place.entry) }))
afterAll(async () => {
  await Promise.all(opened.map(({ storage }) => storage.close()))
  await Promise.all(places.map(place => place.close()))
})

describe.concurrent.each(opened)('$name', ({ name, storage }) => {
  const { driver } = storage
  const names = async () => (await driver.listContainers()).map(container => container.name)

  it('are created, listed, looked up and removed, and used beside the storage’s own', async () => {
    expect(storage.supports('containers')).toBe(true)
    await driver.createContainer('bucket-1')
    expect(await names()).toContain('bucket-1')
    expect(await driver.getContainer('bucket-1')).toMatchObject({ name: 'bucket-1' })
    await driver.uploadObjectViaStream('text', 'bucket-1', 'a.txt')
    expect(await storage.exists('a.txt')).toBe(false)
    for await (const container of driver.iterateContainers()) {
      if (container.name !== 'bucket-1') continue
      await expect(driver.deleteContainer(container)).rejects.toMatchObject({ code: 'not_empty' })
      for (const object of await driver.listContainerObjects(container)) await driver.deleteObject(object)
      await driver.deleteContainer(container)
    }
    expect(await names()).not.toContain('bucket-1')
  })

  it('what is there already is `exists`, what is missing `not_found`, and a bad name `invalid_argument`', async () => {
    await driver.createContainer('twice')
    await expect(driver.createContainer('twice')).rejects.toMatchObject({ code: 'exists', containerName: 'twice' })
    await driver.deleteContainer('twice')
    const missing = { code: 'not_found', containerName: 'missing' }
    await expect(driver.getContainer('missing')).rejects.toMatchObject(missing)
    await expect(driver.deleteContainer('missing')).rejects.toMatchObject(missing)
    for (const bad of ['', '..', 'a/b']) {
      await expect(driver.createContainer(bad)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(driver.name).toBe(
      {
        S3: 's3',
        GOOGLE_STORAGE: 'gcs',
        AZURE_BLOBS: 'azure',
        OPENSTACK_SWIFT: 'swift',
        ATMOS: 'atmos',
        NIMBUS: 'nimbus',
        LOCAL: 'local',
      }[name],
    )
  })
})

it('case 13: the project of an entry goes along with containers at Google', async () => {
  const server = await startStrictGcs()
  const { accessId: user, secret: key } = server.hmac
  await using storage = storageOf(
    entryOf('GOOGLE_STORAGE', { ...hostOf(server.url), user, key, project: server.projectId }),
  )
  await storage.driver.createContainer('of-project')
  await storage.driver.listContainers()
  const projects = server.requests.map(({ headers }) => headers['x-goog-project-id'])
  expect(projects).toEqual([server.projectId, server.projectId])
  await server.close()
})
