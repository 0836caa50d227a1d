import { afterAll, describe, it } from 'vitest'
import { driverConformance, registerConformance, storageConformance } from '../../../src/testing/index.ts'
import { makeIdentity } from '../../http/support.ts'
import { FtpServer, type FtpServerOptions } from '../../servers/ftp.ts'
import { storageLocations } from '../../support/sampled.ts'
import { storageFor } from './support.ts'

const identity = makeIdentity()
const { key, cert } = identity
const servers: FtpServer[] = []
afterAll(async () => {
  identity[Symbol.dispose]()
  await Promise.all(servers.map(server => server.close()))
})

async function started(options: FtpServerOptions = {}): Promise<FtpServer> {
  const server = await FtpServer.start(options)
  servers.push(server)
  return server
}

const features = { ranges: true, exclusiveCreate: false, ifMatch: false, metadata: false, listRange: true } as const
const expects = { features, methods: ['copy', 'move', 'setModifiedAt', 'address', 'createContainer'] } as const
const strict = { key, cert, required: true, requireSessionReuse: true, wantsCloseNotify: true }

/** Servers that differ in all that a driver meets, and how the storage reaches them. */
const places = [
  { title: 'MLSD', server: await started(), storage: {}, locations: undefined },
  {
    title: 'TLS 1.3, with a session for each connection',
    server: await started({ tls: { ...strict, versions: 'TLSv1.3' } }),
    storage: { verify: identity.certPath },
    locations: [''],
  },
  {
    title: 'LIST in the form of ls, in a folder of the login, by a server that says little',
    server: await started({
      without: ['MLSD', 'MLST', 'MFMT'],
      terse: true,
      missingFolder: 'empty',
      home: '/home/anna',
    }),
    storage: { path: 'media' },
    locations: [''],
  },
  {
    title: 'LIST in the form of DOS, in active mode over IPv6, by a server that can do little',
    server: await started({
      host: '::1',
      without: ['MLSD', 'MLST', 'MFMT', 'EPSV', 'OPTS', 'SYST', 'STRU', 'MODE', 'ALLO'],
      listing: 'dos',
      flags: 'name',
      utf8: false,
      asciiSize: 'refused',
    }),
    storage: { scheme: 'aftp' },
    locations: [''],
  },
] as const

for (const { title, server, storage, locations } of places) {
  const cases = driverConformance({
    create: () => storageFor(server, storage).calls.driver,
    async destroy(driver) {
      await driver.close?.()
      server.tree.clear()
    },
    ...(locations && { locations }),
    tree: true,
    limits: true,
    largeSize: 1_500_007,
    keeps: ['modifiedAt'],
    expects,
  })
  // What a listing is made of has nothing to do with TLS, and a session for each folder costs much.
  const chosen = 'verify' in storage ? cases.filter(each => !/listRange|Paging/.test(each.title)) : cases
  registerConformance({ describe, it }, chosen, `FtpDriver, ${title}`)
}

for (const { title, server, storage, locations } of [places[0], places[2]]) {
  const cases = storageConformance({
    create({ location, fileOverwrite }) {
      const path = 'path' in storage ? `${storage.path}/${location}` : location
      return storageFor(server, { path, fileOverwrite, baseUrl: '/media/' })
    },
    async destroy(files) {
      await files.close()
      server.tree.clear()
    },
    ...(locations ? { locations } : storageLocations),
  })
  registerConformance({ describe, it }, cases, `FtpStorage, ${title}`)
}
