import { describe, expect, test } from 'vitest'
import {
  accountOf,
  EMULATOR_ACCOUNT,
  EMULATOR_KEY,
  parseConnectionString,
} from '../../../src/backends/azure/credentials/connection-string.ts'
import { isStorageError } from '../../../src/core/errors.ts'
import { serviceEndpoint } from '../../../src/remote/endpoint.ts'

const KEY = Buffer.alloc(64, 'a secret key').toString('base64')
const SAS = 'sv=2021-12-02&ss=b&srt=sco&sp=rl&se=2027-01-01T00%3A00%3A00Z&sig=a%2Bb%2fc%3D='

function urlOf(text: string): string {
  const { scheme, host, path } = parseConnectionString(text).endpoint
  return `${scheme}://${host}${path}`
}

describe('a connection string', () => {
  const PORTAL = `DefaultEndpointsProtocol=https;AccountName=anaccount;AccountKey=${KEY};EndpointSuffix=core.windows.net`

  test.each([
    ['the portal', PORTAL],
    ['the portal, with a final semicolon', `${PORTAL};`],
    ['other order', PORTAL.split(';').reverse().join(';')],
    [
      'other case',
      PORTAL.replace(/(^|;)(\w+)/g, (_, mark, name) => mark + name.toUpperCase()).replace('=https', '=HTTPS'),
    ],
    ['blanks and line feeds', ` ${PORTAL.replaceAll(';', ' ;\n ').replaceAll(/(^|;\n )(\w+)=/g, '$1$2 = ')} ;; \n`],
    ['defaults', `AccountName=anaccount;AccountKey=${KEY}`],
    [
      'other services',
      `${PORTAL};QueueEndpoint=https://q.example/;TableEndpoint=x;FileEndpoint=;DfsEndpoint=y;WebEndpoint=z`,
    ],
    ['a field twice', `${PORTAL};AccountName=anaccount`],
    ['an endpoint', `${PORTAL};BlobEndpoint=https://anaccount.blob.core.windows.net/`],
    ['an endpoint without a name', `AccountKey=${KEY};BlobEndpoint=https://anaccount.blob.core.windows.net`],
  ])('is read as %s writes it', (_, text) => {
    expect(parseConnectionString(text)).toEqual({
      accountName: 'anaccount',
      accountKey: KEY,
      sasToken: undefined,
      endpoint: {
        scheme: 'https',
        host: 'anaccount.blob.core.windows.net',
        hostName: 'anaccount.blob.core.windows.net',
        path: '',
      },
    })
  })

  test.each([
    ['AccountName=a1;EndpointSuffix=core.chinacloudapi.cn', 'https://a1.blob.core.chinacloudapi.cn'],
    ['AccountName=a1;DefaultEndpointsProtocol=http', 'http://a1.blob.core.windows.net'],
    ['AccountName=a1;EndpointSuffix=local.azurestack.external:8443', 'https://a1.blob.local.azurestack.external:8443'],
    ['BlobEndpoint=http://azurite:10000/a1', 'http://azurite:10000/a1'],
    ['BlobEndpoint=http://[::1]:10000/a1/', 'http://[::1]:10000/a1'],
    ['BlobEndpoint=azurite:10000/a1;DefaultEndpointsProtocol=http', 'http://azurite:10000/a1'],
    ['BlobEndpoint=https://files.example.com', 'https://files.example.com'],
    ['UseDevelopmentStorage=true', 'http://127.0.0.1:10000/devstoreaccount1'],
    ['UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite', 'http://azurite:10000/devstoreaccount1'],
    [
      'DevelopmentStorageProxyUri=https://a.example:444/;UseDevelopmentStorage=TRUE;',
      'https://a.example:444/devstoreaccount1',
    ],
    ['UseDevelopmentStorage=true;BlobEndpoint=http://azurite:1/devstoreaccount1', 'http://azurite:1/devstoreaccount1'],
    [`UseDevelopmentStorage=true;AccountName=a1;AccountKey=${KEY}`, 'http://127.0.0.1:10000/a1'],
    ['UseDevelopmentStorage=false;AccountName=a1', 'https://a1.blob.core.windows.net'],
  ])('%s leads to %s', (text, url) => {
    expect(urlOf(text)).toBe(url)
  })

  test('of the emulator, in short and as azurite prints it, means the same', () => {
    const long = `DefaultEndpointsProtocol=http;AccountName=${EMULATOR_ACCOUNT};AccountKey=${EMULATOR_KEY};BlobEndpoint=http://127.0.0.1:10000/${EMULATOR_ACCOUNT};`
    const short = parseConnectionString('UseDevelopmentStorage=true;')
    expect(short).toEqual(parseConnectionString(long))
    expect(short.accountKey).toBe(EMULATOR_KEY)
  })

  test.each([`SharedAccessSignature=${SAS}`, `SharedAccessSignature=?${SAS}`, `sharedaccesssignature = ${SAS} `])(
    'gives a SAS byte for byte: %s (az-3)',
    part => {
      const text = `BlobEndpoint=https://anaccount-secondary.blob.core.windows.net/;QueueEndpoint=x;${part};`
      expect(parseConnectionString(text)).toMatchObject({
        sasToken: SAS,
        accountName: 'anaccount',
        accountKey: undefined,
      })
      expect(parseConnectionString(`AccountName=a1;${part}`).endpoint.host).toBe('a1.blob.core.windows.net')
    },
  )

  test('has no public key beside a SAS for the emulator', () => {
    const given = parseConnectionString(`UseDevelopmentStorage=true;SharedAccessSignature=${SAS}`)
    expect(given).toMatchObject({ sasToken: SAS, accountKey: undefined, accountName: EMULATOR_ACCOUNT })
  })

  test('may have a second place, and places of other services', () => {
    const more = 'BlobSecondaryEndpoint=https://anaccount-secondary.blob.core.windows.net;FileEndpoint=https://x'
    expect(parseConnectionString(`${PORTAL};${more}`)).toEqual(parseConnectionString(PORTAL))
  })

  test.each([
    ['', 'AccountName or BlobEndpoint is missing'],
    [' ; ', 'AccountName or BlobEndpoint is missing'],
    [`AccountKey=${KEY}`, 'AccountName or BlobEndpoint is missing'],
    ['UseDevelopmentStorage=false', 'AccountName or BlobEndpoint is missing'],
    [`AccountKey=${KEY};BlobEndpoint=https://files.example.com`, 'AccountName is missing'],
    [KEY, 'part 1 is not a field of a connection string'],
    [`AccountName=a1;${KEY}`, 'part 2 is not a field of a connection string'],
    [`AccountName=a1;AcountKey=${KEY}`, "part 2 is not a field of a connection string (did you mean 'AccountKey'?)"],
    ['AccountName=a1;EndpointSuffix', "EndpointSuffix has no '=' and no value"],
    ['AccountName=a1;AccountKey=', 'AccountKey is empty'],
    [
      'AccountName=a1;SharedAccessSignature=?',
      'SharedAccessSignature must be a SAS token, as in sv=...&sp=r&sig=..., without the URL before it',
    ],
    ['AccountName=a1;AccountKey=secret!', 'AccountKey must be an account key in base64, as the portal shows it'],
    ['AccountName=a1;AccountKey=c2Vj\ncmV0', 'AccountKey must be an account key in base64, as the portal shows it'],
    [`AccountName=a1;AccountKey=${KEY};AccountKey=secret`, 'AccountKey occurs twice, with different values'],
    ['AccountName=a/secret', 'AccountName must be lower-case letters and digits'],
    ['AccountName=a1;EndpointSuffix=a/secret', 'EndpointSuffix must be a domain, as in core.windows.net'],
    ['AccountName=a1;DefaultEndpointsProtocol=secret', 'DefaultEndpointsProtocol must be http or https'],
    ['UseDevelopmentStorage=secret', 'UseDevelopmentStorage must be true'],
    [
      `BlobEndpoint=https://a1.blob.core.windows.net/?${SAS}`,
      'BlobEndpoint takes no user, password, query or fragment',
    ],
    ['BlobEndpoint=ftp://secret', 'BlobEndpoint must be an http or https URL'],
    ['BlobEndpoint=http://a b', 'BlobEndpoint must be an http or https URL'],
    [
      'UseDevelopmentStorage=true;DevelopmentStorageProxyUri=ftp://secret',
      'DevelopmentStorageProxyUri must be an http or https URL',
    ],
  ])('%j is refused: %s', (text, reason) => {
    let caught: unknown
    try {
      parseConnectionString(text, 'AZURE_CONNECTION_STRING')
    } catch (error) {
      caught = error
    }
    if (!isStorageError(caught, 'improperly_configured')) throw new Error('expected to be refused', { cause: caught })
    expect(caught.message).toContain(`AZURE_CONNECTION_STRING: ${reason}`)
    expect(caught.message).not.toMatch(/secret|a%2Bb/)
    expect(caught.message).not.toContain(KEY.slice(0, 12))
  })
})

describe('the account of an endpoint', () => {
  test.each([
    ['https://a1.blob.core.windows.net', 'a1'],
    ['https://a1-secondary.blob.core.windows.net', 'a1'],
    ['https://a1.blob.storage.azure.net', 'a1'],
    ['http://127.0.0.1:10000/a1', 'a1'],
    ['http://azurite/a1/', 'a1'],
    ['https://files.example.com', undefined],
  ])('%s is %s', (url, account) => {
    expect(accountOf(serviceEndpoint(url, 'endpoint'))).toBe(account)
  })
})
