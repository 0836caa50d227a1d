import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { type AzureOptions, AzureStorage, azureAccount } from '../../../src/backends/azure/index.ts'
import { resolveBackend } from '../../../src/config/backends.ts'
import type { Input } from '../../../src/core/settings.ts'

const KEY = Buffer.from('a key that is a secret').toString('base64')

function storage(
  options: Input<AzureOptions> = {},
  settings: Record<string, unknown> = {},
  env: Record<string, string> = {},
) {
  return new AzureStorage(options, { settings, env })
}

function account(options: Input<AzureOptions>) {
  return azureAccount(storage({ azureContainer: 'media', ...options }).options)
}

const thrown = (make: () => unknown): { code: string; message: string } => {
  try {
    make()
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('nothing was thrown')
}

describe('the settings of django-storages', () => {
  test('have their defaults', () => {
    expect(storage().options).toMatchObject({
      accountName: null,
      accountKey: null,
      azureContainer: '',
      azureSsl: true,
      uploadConcurrency: 2,
      connectTimeoutSecs: 20,
      maxMemorySize: 2_097_152,
      expirationSecs: null,
      fileOverwrite: false,
      location: '',
      isEmulated: false,
      endpointSuffix: 'core.windows.net',
      cacheControl: null,
      defaultContentType: 'application/octet-stream',
      objectParameters: {},
      clientOptions: {},
      customDomain: null,
      connectionString: null,
      sasToken: null,
      tokenCredential: null,
      apiVersion: '2025-11-05',
    })
  })

  test('are read by their names', () => {
    const settings = {
      AZURE_ACCOUNT_NAME: 'acc',
      AZURE_ACCOUNT_KEY: KEY,
      AZURE_CONTAINER: 'media',
      AZURE_SSL: false,
      AZURE_UPLOAD_MAX_CONN: 7,
      AZURE_CONNECTION_TIMEOUT_SECS: 5,
      AZURE_BLOB_MAX_MEMORY_SIZE: 100,
      AZURE_URL_EXPIRATION_SECS: 60,
      AZURE_OVERWRITE_FILES: true,
      AZURE_LOCATION: 'loc',
      AZURE_EMULATED_MODE: false,
      AZURE_ENDPOINT_SUFFIX: 'core.chinacloudapi.cn',
      AZURE_CACHE_CONTROL: 'max-age=1',
      AZURE_OBJECT_PARAMETERS: { content_language: 'de' },
      AZURE_CUSTOM_DOMAIN: 'cdn.example.com',
      AZURE_CONNECTION_STRING: 'UseDevelopmentStorage=true',
      AZURE_SAS_TOKEN: '?sv=1&sig=x',
      AZURE_TOKEN_CREDENTIAL: 'default',
      AZURE_API_VERSION: '2024-11-04',
      AZURE_CLIENT_OPTIONS: {},
    }
    const wanted = {
      accountName: 'acc',
      accountKey: KEY,
      azureContainer: 'media',
      azureSsl: false,
      uploadConcurrency: 7,
      connectTimeoutSecs: 5,
      maxMemorySize: 100,
      expirationSecs: 60,
      fileOverwrite: true,
      location: 'loc',
      endpointSuffix: 'core.chinacloudapi.cn',
      cacheControl: 'max-age=1',
      objectParameters: { content_language: 'de' },
      customDomain: 'cdn.example.com',
      connectionString: 'UseDevelopmentStorage=true',
      sasToken: '?sv=1&sig=x',
      tokenCredential: 'default',
      apiVersion: '2024-11-04',
    }
    expect(storage({}, settings).options).toMatchObject(wanted)
    const env = Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [
        name,
        typeof value === 'object' ? JSON.stringify(value) : String(value),
      ]),
    )
    expect(storage({}, {}, env).options).toMatchObject(wanted)
  })

  test("are taken by the names of Django's OPTIONS", () => {
    const options = {
      account_name: 'acc',
      azure_container: 'media',
      azure_ssl: false,
      upload_max_conn: 3,
      timeout: 9,
      max_memory_size: 5,
      expiration_secs: 60,
      overwrite_files: true,
      is_emulated: true,
      default_content_type: 'text/plain',
      custom_domain: 'cdn.example.com',
      api_version: '2024-11-04',
    }
    expect(storage(options as never).options).toMatchObject({
      accountName: 'acc',
      uploadConcurrency: 3,
      connectTimeoutSecs: 9,
      maxMemorySize: 5,
      expirationSecs: 60,
      fileOverwrite: true,
      isEmulated: true,
      defaultContentType: 'text/plain',
    })
    expect(storage({ container: 'c', blobMaxMemorySize: 1 } as never).options).toMatchObject({
      azureContainer: 'c',
      maxMemorySize: 1,
    })
  })

  test('are those of the class path, too', () => {
    expect(resolveBackend('storages.backends.azure_storage.AzureStorage').name).toBe('AzureStorage')
    expect(resolveBackend('azure').name).toBe('AzureStorage')
  })

  test('are checked where they enter', () => {
    expect(thrown(() => storage({ location: '/x' })).message).toContain("Use 'x' instead.")
    expect(thrown(() => storage({ objectParameters: { storageClass: 'x' } })).message).toContain(
      "'storageClass' is not a parameter of an Azure upload",
    )
    expect(thrown(() => storage({ apiVersion: 'new' })).message).toContain('apiVersion: expected a date')
    expect(thrown(() => storage({ customDomain: 'https://cdn.example.com' })).message).toContain('AZURE_CUSTOM_DOMAIN')
    expect(thrown(() => storage({ tokenCredential: {} as never })).message).toContain(
      "expected an object with getToken(), 'default' or null",
    )
    expect(thrown(() => storage({ accontName: 'x' } as never)).message).toContain("did you mean 'accountName'?")
  })
})

describe('the account', () => {
  test('is in the host', () => {
    expect(account({ accountName: 'acc' })).toMatchObject({
      name: 'acc',
      origin: 'https://acc.blob.core.windows.net',
      path: '',
    })
    expect(account({ accountName: 'acc', azureSsl: false, endpointSuffix: 'core.usgovcloudapi.net' }).origin).toBe(
      'http://acc.blob.core.usgovcloudapi.net',
    )
  })

  test('is named by an endpoint', () => {
    expect(account({ endpointUrl: 'https://acc.privatelink.example:8443/base/' })).toMatchObject({
      origin: 'https://acc.privatelink.example:8443',
      path: '/base',
    })
    expect(account({ endpointUrl: 'acc.blob.core.windows.net', accountKey: KEY })).toMatchObject({ name: 'acc' })
  })

  test('of the emulator is the public one', () => {
    const emulated = {
      name: 'devstoreaccount1',
      origin: 'http://127.0.0.1:10000',
      path: '/devstoreaccount1',
      credential: { kind: 'key' },
    }
    expect(account({ isEmulated: true, accountName: 'mine', accountKey: 'no key' })).toMatchObject(emulated)
    expect(account({ connectionString: 'UseDevelopmentStorage=true' })).toMatchObject(emulated)
    expect(account({ isEmulated: true, endpointUrl: 'http://azurite:1/devstoreaccount1' }).origin).toBe(
      'http://azurite:1',
    )
  })

  test('is asked for', () => {
    expect(thrown(() => account({}))).toMatchObject({
      code: 'improperly_configured',
      message: expect.stringContaining('AZURE_ACCOUNT_NAME'),
    })
    expect(thrown(() => account({ accountName: 'acc', azureContainer: '' })).message).toBe(
      'AZURE_CONTAINER must be set',
    )
    for (const azureContainer of ['a/b', 'a?b', '..', 'ü']) {
      expect(thrown(() => account({ accountName: 'acc', azureContainer })).message, azureContainer).toContain(
        'AZURE_CONTAINER must be',
      )
    }
    expect(thrown(() => account({ accountName: 'evil.example/x' })).message).toContain('AZURE_ACCOUNT_NAME must be')
    expect(thrown(() => account({ accountName: 'acc', endpointSuffix: 'x/y' })).message).toContain(
      'AZURE_ENDPOINT_SUFFIX must be',
    )
    expect(account({ accountName: 'acc', azureContainer: '$web' }).container).toBe('$web')
  })
})

describe('credentials by precedence', () => {
  const tokenCredential = { getToken: async () => ({ token: 't', expiresOnTimestamp: Date.now() + 1e6 }) }
  const sasToken = 'sv=2021-12-02&sig=abc%2Bd%3D'
  const accountName = 'acc'
  const all = { accountName, accountKey: KEY, sasToken, tokenCredential }

  test('connection string, key, SAS, token', () => {
    const connectionString = `AccountName=other;SharedAccessSignature=${sasToken}`
    expect(account({ ...all, connectionString })).toMatchObject({
      name: 'other',
      credential: { kind: 'sas', sas: sasToken },
    })
    expect(account(all).credential.kind).toBe('key')
    expect(account({ ...all, accountKey: null }).credential).toEqual({ kind: 'sas', sas: sasToken })
    expect(account({ accountName, tokenCredential }).credential.kind).toBe('token')
    expect(account({ accountName }).credential.kind).toBe('anonymous')
  })

  test('a connection string without any takes those of the other settings', () => {
    const connectionString = 'BlobEndpoint=https://acc.blob.core.windows.net'
    expect(account({ ...all, connectionString }).credential.kind).toBe('key')
    expect(account({ connectionString, tokenCredential }).credential.kind).toBe('token')
  })

  test('a bad key or SAS is refused and not shown', () => {
    for (const options of [
      { accountKey: 'no base 64!' },
      { sasToken: 'https://x?sv=1' },
      { connectionString: 'AccountName=a;AccountKey=no base 64!' },
    ]) {
      const { message } = thrown(() => {
        const { credential } = account({ accountName, ...options })
        return credential.kind === 'key' && credential.key
      })
      expect(message).toMatch(/^AZURE_/)
      expect(message).not.toMatch(/no base|https:/)
    }
  })

  test('a token does not go in the clear', () => {
    expect(thrown(() => account({ accountName, tokenCredential, azureSsl: false })).message).toContain('needs https')
    expect(account({ endpointUrl: 'http://127.0.0.1:1/acc', tokenCredential }).credential.kind).toBe('token')
  })

  test('no secret is shown', () => {
    const shown = JSON.stringify(storage({ ...all, connectionString: `AccountName=a;AccountKey=${KEY}` }))
    expect(shown).not.toContain(KEY)
    expect(shown).not.toContain('sig=')
  })
})

describe('client options', () => {
  test('have the effect that they have in Python', () => {
    const clientOptions = {
      retry_total: 9,
      connection_timeout: 2.5,
      read_timeout: 7,
      connection_verify: false,
      max_single_put_size: 1,
      max_block_size: 2,
      api_version: '2024-08-04',
      proxies: { https: 'http://proxy:1' },
    }
    expect(storage({ clientOptions }).options).toMatchObject({
      maxAttempts: 10,
      connectTimeoutSecs: 3,
      timeoutSecs: 7,
      verify: false,
      multipartThreshold: 1,
      partSize: 2,
      apiVersion: '2024-08-04',
      proxies: { https: 'http://proxy:1' },
    })
    expect(storage({ clientOptions: { retryTotal: 0 } }).options.maxAttempts).toBe(1)
  })

  test('that are unknown or bad are named, those without an effect are told', () => {
    expect(thrown(() => storage({}, { AZURE_CLIENT_OPTIONS: { retry_totl: 1 } })).message).toBe(
      "AZURE_CLIENT_OPTIONS: 'retry_totl' is not an option of the client.",
    )
    expect(thrown(() => storage({ clientOptions: { max_block_size: 'big' } })).message).toContain(
      'clientOptions.max_block_size: expected',
    )
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    storage({ clientOptions: { max_single_get_size: 1 } })
    expect(warned.mock.calls.map(([text]) => text)).toEqual(["clientOptions: 'max_single_get_size' has no effect."])
    warned.mockRestore()
  })
})

test('advice tells what has no effect, and URLs that nobody can open', () => {
  const advice = (settings: Record<string, unknown>) => AzureStorage.advice({ settings, env: {} }).join('\n')
  expect(advice({ AZURE_ACCOUNT_KEY: KEY, AZURE_SAS_TOKEN: 's', AZURE_URL_EXPIRATION_SECS: 60 })).toBe(
    'AZURE_SAS_TOKEN: it has no effect, since AZURE_ACCOUNT_KEY wins over it.',
  )
  const container = { AZURE_CONTAINER: 'media' }
  expect(advice({ AZURE_ACCOUNT_KEY: KEY, ...container })).toContain(
    'AZURE_URL_EXPIRATION_SECS: without it URLs are plain',
  )
  // Where OPTIONS name the container, they name the life of URLs, too.
  expect(advice({ AZURE_ACCOUNT_KEY: KEY })).toBe('')
  expect(advice({ AZURE_SAS_TOKEN: 's', AZURE_URL_EXPIRATION_SECS: 60 })).toContain('a SAS token cannot sign URLs')
  expect(advice({ AZURE_EMULATED_MODE: 'true', AZURE_ACCOUNT_KEY: KEY })).toContain(
    'has no effect in AZURE_EMULATED_MODE',
  )
  expect(advice({ AZURE_ACCOUNT_KEY: KEY, AZURE_URL_EXPIRATION_SECS: 60 })).toBe('')
})

test('neither a storage nor its driver prints the key or the SAS that it was given', () => {
  const sasToken = 'sv=2021-12-02&sig=c2VjcmV0'
  for (const given of [{ accountKey: KEY }, { sasToken }]) {
    const made = storage({ azureContainer: 'media', accountName: 'account', ...given })
    for (const printed of [made, made.driver, made.calls, made.calls.driver, azureAccount(made.options)]) {
      const text = inspect(printed, { depth: 12 }) + JSON.stringify(printed)
      expect(text).not.toContain(KEY.slice(0, 12))
      expect(text).not.toContain('c2VjcmV0')
    }
  }
})
