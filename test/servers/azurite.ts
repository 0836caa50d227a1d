/** The emulator azurite, installed on demand in `test/emulators/azurite`: plain, or over https with OAuth. */
import { join } from 'node:path'
import { EMULATOR_ACCOUNT, EMULATOR_KEY } from '../../src/backends/azure/credentials/connection-string.ts'
import { makeIdentity } from '../http/support.ts'
import { Child } from '../support/child.ts'
import { installedInPlace } from '../support/installed.ts'
import { freePort } from './free-port.ts'

const FOLDER = join(import.meta.dirname, '../emulators/azurite')
const ACCOUNT = 'holdalltests'
const KEY = Buffer.from('the key of an emulated account').toString('base64')

/** A running emulator. */
export interface Azurite {
  /** Path-style endpoint, with the account. */
  readonly endpoint: string
  readonly account: string
  /** Base64. */
  readonly accountKey: string
  readonly connectionString: string
  /** File of the certificate that it has over https. */
  readonly certPath: string | undefined
  close(): Promise<void>
}

/** How an emulator is started. */
export interface AzuriteOptions {
  /** https with tokens, which are not verified by a key; default http. */
  readonly oauth?: boolean
  /** Whether an API version that it does not know is accepted, as the official SDK's newest; default false. */
  readonly anyVersion?: boolean
}

/** The folder with the emulator's packages; installs them where that was not done for this lock file. */
export function azuriteFolder(): string {
  return installedInPlace(FOLDER)
}

/** Starts an emulator that keeps everything in memory. */
export async function startAzurite({ oauth = false, anyVersion = false }: AzuriteOptions = {}): Promise<Azurite> {
  const folder = azuriteFolder()
  const port = await freePort()
  const identity = oauth ? makeIdentity() : undefined
  const words = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--disableTelemetry', '--inMemoryPersistence']
  words.push('--extentMemoryLimit', '512')
  if (anyVersion) words.push('--skipApiVersionCheck')
  if (identity !== undefined) {
    words.push('--oauth', 'basic', '--cert', identity.certPath, '--key', join(identity.certPath, '../key.pem'))
  }
  const env = { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY};${EMULATOR_ACCOUNT}:${EMULATOR_KEY}` }
  const program = join(folder, 'node_modules/azurite/dist/src/blob/main.js')
  const child = new Child(process.execPath, [program, ...words], { env, timeoutMs: 30 * 60_000 })
  const scheme = oauth ? 'https' : 'http'
  const endpoint = `${scheme}://127.0.0.1:${port}/${ACCOUNT}`
  await child.printed(/successfully listens on/)
  return {
    endpoint,
    account: ACCOUNT,
    accountKey: KEY,
    connectionString: `DefaultEndpointsProtocol=${scheme};AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${endpoint};`,
    certPath: identity?.certPath,
    close: async () => {
      child.process.kill('SIGTERM')
      await child.ended
      identity?.[Symbol.dispose]()
    },
  }
}

/** A token that azurite takes with `--oauth basic`, which looks at its fields and not at its signature. */
export function azuriteToken(secs = 3600, audience = 'https://storage.azure.com'): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const issuer = 'https://sts.windows-ppe.net/11111111-1111-1111-1111-111111111111/'
  const times = { nbf: now - 60, iat: now - 60, exp: now + secs }
  const ids = { oid: '22222222-2222-2222-2222-222222222222', tid: '11111111-1111-1111-1111-111111111111' }
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ aud: audience, iss: issuer, ...times, ...ids })}.unsigned`
}
