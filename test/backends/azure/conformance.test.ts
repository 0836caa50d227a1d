/** The conformance suites over the strict server, for every way to authenticate. */
import {
  AccountSASPermissions,
  AccountSASResourceTypes,
  AccountSASServices,
  ContainerSASPermissions,
  generateAccountSASQueryParameters,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { afterAll, describe, expect, it } from 'vitest'
import type { AzureOptions } from '../../../src/backends/azure/settings.ts'
import type { Input } from '../../../src/core/settings.ts'
import {
  containerConformance,
  driverConformance,
  registerConformance,
  storageConformance,
} from '../../../src/testing/index.ts'
import { startStrictAzure } from '../../servers/strict-azure.ts'
import { storageLocations } from '../../support/sampled.ts'
import { keyOptions, storageFor, tokenCredential } from './strict-storage.ts'
import { emptied } from './support.ts'

const server = await startStrictAzure()
const versioned = await startStrictAzure({ versioning: true, echoCrc64: false, pageSize: 2 })
afterAll(() => Promise.all([server, versioned].map(one => one.close())))

const credential = new StorageSharedKeyCredential(server.account, server.accountKey)
const expiresOn = new Date(Date.now() + 3_600_000)
const containerSas = generateBlobSASQueryParameters(
  { containerName: 'media', permissions: ContainerSASPermissions.parse('racwdl'), expiresOn },
  credential,
).toString()
const accountSas = generateAccountSASQueryParameters(
  {
    permissions: AccountSASPermissions.parse('rwdlac'),
    resourceTypes: AccountSASResourceTypes.parse('sco').toString(),
    services: AccountSASServices.parse('b').toString(),
    expiresOn,
  },
  credential,
).toString()

const place = { endpointUrl: server.endpoint, accountName: server.account, accountKey: null, azureContainer: 'media' }
const PART = 512 * 1024
const small = { multipartThreshold: PART, partSize: PART }
const largeSize = 2 * PART + 7

/** Each way, what reaches the server by it, and whether URLs can be signed. */
const ways: ReadonlyArray<readonly [title: string, options: Input<AzureOptions>, signs: boolean]> = [
  ['the key', keyOptions(server), true],
  ['a connection string', { connectionString: server.connectionString, azureContainer: 'media' }, true],
  ['a token', { ...place, tokenCredential: tokenCredential(server.token) }, true],
  ['a SAS of the container', { ...place, sasToken: containerSas }, false],
  ['a SAS of the account', { ...place, sasToken: `?${accountSas}` }, false],
]

const features = { ranges: true, exclusiveCreate: true, ifMatch: true, metadata: true, versions: true }
const keeps = ['modifiedAt', 'etag'] as const
const refusedNames = ['trailing.dot.']

ways.forEach(([title, options, signs], at) => {
  const cases = driverConformance({
    create: () => storageFor(server, { ...small, ...options }).calls.driver,
    destroy: emptied(server),
    locations: at === 0 ? ['', 'some place/below/'] : [''],
    limits: at === 0,
    largeSize,
    keeps,
    refusedNames,
    expects: { features, methods: ['deleteMany', 'copy', 'publicUrl', 'signUrl', 'uploadTarget', 'address', 'createContainer'] },
  })
  // A SAS is no key: nothing else can be signed with it, which the error says.
  const kept = signs ? cases : cases.filter(one => !one.title.includes('A signed URL'))
  registerConformance({ describe, it }, kept, `the driver of Azure, by ${title}`)
  if (signs) return
  it(`by ${title} nothing else is signed: improperly_configured names the settings`, async () => {
    await using files = storageFor(server, options)
    const error = await files.url('a', { expiresInSecs: 60 }).catch(reason => reason)
    expect(error).toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining('AZURE_ACCOUNT_KEY'),
    })
    expect(JSON.stringify(error)).not.toContain('sig=')
  })
})

registerConformance(
  { describe, it },
  driverConformance({
    create: () => storageFor(versioned, { ...small, checksums: 'crc64' }).calls.driver,
    destroy: emptied(versioned),
    locations: [''],
    largeSize,
    keeps,
    refusedNames,
  }),
  'the driver of Azure, with versions, pages of two, CRC64 sent and not answered',
)

registerConformance(
  { describe, it },
  storageConformance({
    create: wanted => storageFor(server, wanted),
    ...storageLocations,
    destroy: async files => {
      const { driver } = files.calls
      await files.close()
      await emptied(server)(driver)
    },
  }),
  'AzureStorage and the strict server',
)

for (const [title, options] of [ways[0]!, ways[2]!, ways[4]!]) {
  registerConformance(
    { describe, it },
    containerConformance({
      create: azureContainer =>
        storageFor(server, { ...options, ...(azureContainer && { azureContainer }) }).calls.driver,
      limits: true,
    }),
    `the containers of Azure, by ${title}`,
  )
}
