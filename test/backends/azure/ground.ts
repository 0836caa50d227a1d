import { AzureDriver } from '../../../src/backends/azure/driver.ts'
import { azureAccount, azureSettings } from '../../../src/backends/azure/index.ts'
import { type Canned, Official, Recorded, type Sent } from './official.ts'

export const ACCOUNT = 'anaccount'
const KEY = Buffer.alloc(64, 'a secret key').toString('base64')
/** Host style and path style. */
export const ENDPOINTS = [`https://${ACCOUNT}.blob.core.windows.net`, `http://127.0.0.1:10000/${ACCOUNT}`]
/** Headers of every answer about a blob. */
export const BLOB = {
  ...{ etag: '"0x8D"', 'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT', 'x-ms-request-id': 'id', 'x-ms-version': 'v' },
}

/** What the service answers to what both of them ask. */
function answer({ method, url, headers, body }: Sent): Canned {
  const comp = new URL(url).searchParams.get('comp')
  if (comp === 'list') {
    return {
      status: 200,
      headers: { ...BLOB, 'content-type': 'application/xml' },
      body: '<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>',
    }
  }
  if (comp === 'batch') {
    const [, boundary = ''] = /boundary=(\S+)/.exec(headers['content-type']!)!
    const parts = body.toString().split(`--${boundary}`).slice(1, -1)
    const answers = parts.map(
      (_, at) => `--b\r\nContent-ID: ${at}\r\n\r\nHTTP/1.1 202 Accepted\r\nx-ms-request-id: i\r\n\r\n`,
    )
    return {
      status: 202,
      headers: { ...BLOB, 'content-type': 'multipart/mixed; boundary=b' },
      body: `${answers.join('')}--b--`,
    }
  }
  if (method === 'DELETE') return { status: 202, headers: BLOB }
  if (method === 'PUT' && headers['x-ms-copy-source'] !== undefined) {
    return { status: 202, headers: { ...BLOB, 'x-ms-copy-status': 'success', 'x-ms-copy-id': 'id' } }
  }
  if (method === 'PUT') return { status: 201, headers: BLOB }
  const range = /^bytes=(\d+)-(\d+)$/.exec(headers['range'] ?? headers['x-ms-range'] ?? '')
  if (range === null) return { status: 200, headers: { ...BLOB, 'content-length': '0' } }
  const size = Number(range[2]) - Number(range[1]) + 1
  const place = { 'content-range': `bytes ${range[1]}-${range[2]}/1000000`, 'content-length': String(size) }
  return { status: 206, headers: { ...BLOB, ...place }, body: 'x'.repeat(size) }
}

/** Both clients for one endpoint; ours may have a SAS instead of the key. */
export function both(endpoint: string, sasToken: string | null = null) {
  const http = new Recorded(answer)
  const account = azureAccount({
    ...{
      accountName: ACCOUNT,
      accountKey: sasToken === null ? KEY : null,
      azureContainer: 'media',
      endpointUrl: endpoint,
      azureSsl: true,
    },
    ...{ isEmulated: false, connectionString: null, sasToken, tokenCredential: null, endpointSuffix: '' },
  })
  const driver = new AzureDriver({
    ...{
      account,
      httpClient: http,
      apiVersion: azureSettings.apiVersion.default,
      checksum: 'md5',
      deleteSnapshots: false,
    },
    ...{ multipartThreshold: 4, partSize: 4, uploadConcurrency: 1 },
  })
  const official = new Official(endpoint, ACCOUNT, KEY, answer)
  return { driver, http, official, container: official.client.getContainerClient('media') }
}

export type Ground = ReturnType<typeof both>
