/** What the programs of `docs/backends` need and do not show: each runs on a strict server of the tests. */
import type { Setup } from './setups.ts'

const STREAM = `
import { Readable } from 'node:stream'
const stream = Readable.from(['content'])`
const CONFIGURE = "import { configure, defaultStorage, storages } from 'holdall'"
const FILE = "const file = new File(['content'], 'a.jpg', { type: 'image/jpeg' })"
const SERVED = "import { served } from '../served.ts'"

export const BACKEND_SETUPS: Readonly<Record<string, Setup>> = {
  'docs/backends/atmos.md': {
    start: STREAM,
    inside: `
import { AtmosStorage as Atmos } from 'holdall/atmos'
import { startStrictAtmos } from '../../servers/strict-atmos.ts'
${SERVED}
const server = await startStrictAtmos()
const AtmosStorage = served(Atmos, { host: server.url, user: server.credentials.uid, key: server.credentials.secret })
await new AtmosStorage({ container: 'media' }).createContainer()`,
  },
  'docs/backends/azure.md': {
    start: `${CONFIGURE}${STREAM}
${FILE}
const key = 'a2V5'
const accountKey = key`,
    inside: `
import { AzureStorage as Azure } from 'holdall/azure'
import { startStrictAzure } from '../../servers/strict-azure.ts'
${SERVED}
const server = await startStrictAzure()
const AzureStorage = served(Azure, { endpointUrl: server.endpoint, accountName: server.account, accountKey: server.accountKey })`,
    end: 'storages.default',
  },
  'docs/backends/dropbox.md': {
    start: `${CONFIGURE}${STREAM}
${FILE}
const [oauth2RefreshToken, appKey, appSecret] = ['refresh', 'key', 'secret']`,
    inside: `
import { DropboxStorage as Dropbox } from 'holdall/dropbox'
import { startStrictDropbox } from '../../servers/strict-dropbox.ts'
${SERVED}
const server = await startStrictDropbox()
const { appKey: oauthKey, appSecret: oauthSecret, refreshToken } = server.tokens
const DropboxStorage = served(Dropbox, {
  apiUrl: server.url + '/api', contentUrl: server.url + '/content',
  oauth2RefreshToken: refreshToken, appKey: oauthKey, appSecret: oauthSecret,
})`,
  },
  'docs/backends/ftp.md': {
    start: `${CONFIGURE}${STREAM}
const location = 'ftps://user:password@ftp.example.com/media'
const text = 'content'`,
    inside: `
import { FtpStorage as Ftp } from 'holdall/ftp'
import { FtpServer } from '../../servers/ftp.ts'
${SERVED}
const server = await FtpServer.start()
const FtpStorage = served(Ftp, { location: server.url('media') })`,
    end: 'storages.default',
  },
  'docs/backends/gcs.md': {
    start: `${CONFIGURE}${STREAM}
${FILE}
const hmacSecret = 'secret'`,
    inside: `
import { GcsStorage as Gcs } from 'holdall/gcs'
import { startStrictGcs } from '../../servers/strict-gcs.ts'
${SERVED}
const server = await startStrictGcs({ buckets: ['my-bucket'] })
const GcsStorage = served(Gcs, { endpointUrl: server.url, credentials: server.keyFile() })`,
    end: 'storages.default',
  },
  'docs/backends/libcloud.md': {
    inside: `
import { writeFile } from 'node:fs/promises'
import { configure as configureAll, type HoldallSettings } from 'holdall'
import { startStrictS3 } from '../../servers/strict-s3.ts'
const server = await startStrictS3({ buckets: [] })
const { accessKeyId: user, secretAccessKey: key } = server.credentials
const { hostname: host, port } = new URL(server.url)
const provider = { type: 'S3', host, port: Number(port), secure: false, user, key, region: server.region, bucket: 'bucket-1' }
const configure = (settings: HoldallSettings) => configureAll({ ...settings, LIBCLOUD_PROVIDERS: { amazon_1: provider } })
await writeFile('notes.txt', 'notes')`,
    start: `${STREAM}
const LIBCLOUD_PROVIDERS = { amazon_1: { type: 'S3_US_STANDARD_HOST', user: 'AKIA', key: 'secret', bucket: 'bucket-1' } }`,
  },
  'docs/backends/ninefold.md': {
    env: { NINEFOLD_KEY: 'a2V5' },
    end: 'if (!(await media.url("a.txt")).includes("files.example.com")) throw new Error("the host")',
  },
  'docs/backends/nimbus.md': {
    inside: `
import { NimbusStorage as Nimbus } from 'holdall/nimbus'
import { startStrictNimbus } from '../../servers/strict-nimbus.ts'
${SERVED}
const server = await startStrictNimbus({ collections: [{ name: 'media', versioning: true }] })
const { username, keyId, key } = server.user
const place = { domain: server.domain, host: '127.0.0.1', port: server.port, secure: false, collection: 'media' }
const NimbusStorage = served(Nimbus, { user: username, keyId, key, ...place })
await new NimbusStorage({}).save('a.txt', 'old')`,
  },
  'docs/backends/rackspace.md': {
    start: `${CONFIGURE}${STREAM}`,
    env: { RACKSPACE_API_KEY: 'key' },
    inside: `
import { RackspaceStorage as Rackspace } from 'holdall/swift'
import { RACKSPACE, startStrictSwift } from '../../servers/strict-swift.ts'
${SERVED}
const server = await startStrictSwift({ tempUrlKey: 'secret', containers: ['media'] })
const login = { username: RACKSPACE.username, apiKey: RACKSPACE.apiKey, region: 'DFW', container: 'media' }
const RackspaceStorage = served(Rackspace, { authUrl: server.url + '/v2.0', ...login })`,
    end: 'storages.default',
  },
  'docs/backends/s3-compatible.md': { start: "import { S3Storage } from 'holdall/s3'" },
  'docs/backends/migrating.md': {
    inside: `
import { S3Storage as S3 } from 'holdall/s3'
import { startStrictS3 } from '../../servers/strict-s3.ts'
${SERVED}
const server = await startStrictS3()
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
const S3Storage = served(S3, { endpointUrl: server.url, regionName: server.region, accessKey, secretKey, bucketName: 'media' })`,
  },
  'docs/backends/s3.md': {
    start: `${CONFIGURE}${STREAM}
import { generateKeyPairSync } from 'node:crypto'
import { ProxyAgent } from 'undici'
const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const id = 'null'
const premiere = new Date(Date.now() + 60_000)
const url = 'http://127.0.0.1:3128'`,
    inside: `
import { S3Storage as S3 } from 'holdall/s3'
import { startStrictS3 } from '../../servers/strict-s3.ts'
${SERVED}
const server = await startStrictS3()
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
const S3Storage = served(S3, { endpointUrl: server.url, regionName: server.region, accessKey, secretKey, bucketName: 'media' })`,
    end: 'storages.default',
  },
  'docs/backends/sftp.md': {
    start: `${CONFIGURE}${STREAM}
const oneTimeCode = () => '123456'`,
    inside: `
import { SftpStorage as Sftp } from 'holdall/sftp'
import { PASSWORD, startSftpServer, USERNAME } from '../../servers/sftp.ts'
import { sharedKey } from '../../servers/sftp/keys.ts'
${SERVED}
const server = await startSftpServer()
const params = { port: server.port, username: USERNAME, password: PASSWORD, allowAgent: false, lookForKeys: false }
const SftpStorage = served(Sftp, { host: server.host, location: 'media', hostKey: sharedKey().publicKey, params })`,
    end: 'storages.default',
  },
  'docs/backends/spaces.md': {
    inside: `
process.env['AWS_ACCESS_KEY_ID'] = 'key'
process.env['AWS_SECRET_ACCESS_KEY'] = 'secret'`,
  },
  'docs/backends/swift.md': {
    start: `${CONFIGURE}${STREAM}`,
    inside: `
import { SwiftStorage as Swift } from 'holdall/swift'
import { PROJECT, startStrictSwift, USER } from '../../servers/strict-swift.ts'
${SERVED}
const server = await startStrictSwift({ tempUrlKey: 'secret' })
const SwiftStorage = served(Swift, {
  authUrl: server.identityUrl + '/v3', username: USER.name, password: USER.password, projectName: PROJECT.name,
})`,
    end: 'storages.default',
  },
}
