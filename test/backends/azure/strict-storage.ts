/** Storages on the strict server, by every way to authenticate. */
import { AzureStorage } from '../../../src/backends/azure/index.ts'
import type { AzureOptions } from '../../../src/backends/azure/settings.ts'
import type { Driver } from '../../../src/core/driver.ts'
import type { Input } from '../../../src/core/settings.ts'
import { plainContext } from '../../../src/testing/index.ts'

/** What the test servers tell of themselves. */
export interface TestAccount {
  /** Path-style endpoint, with the account. */
  readonly endpoint: string
  readonly account: string
  readonly accountKey: string
}

/** What reaches a test server with its key. */
export function keyOptions({ endpoint, account, accountKey }: TestAccount): Input<AzureOptions> {
  return { endpointUrl: endpoint, accountName: account, accountKey, azureContainer: 'media' }
}

/** A storage that looks at nothing but its options. */
export function azureStorage(options: Input<AzureOptions>): AzureStorage {
  return new AzureStorage(options, { settings: {}, env: {} })
}

/** A storage of a test server, with its key unless the options say more. */
export function storageFor(server: TestAccount, options: Input<AzureOptions> = {}): AzureStorage {
  return azureStorage({ ...keyOptions(server), ...options })
}

/** A credential that gives a token for an hour. */
export function tokenCredential(token: string): { getToken(): Promise<{ token: string; expiresOnTimestamp: number }> } {
  return { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) }
}

/** Closes a driver and empties its server's container by another one. */
export function emptied(server: TestAccount, options: Input<AzureOptions> = {}): (driver: Driver) => Promise<void> {
  return async driver => {
    await driver.close?.()
    const cleaner = storageFor(server, options)
    const ctx = plainContext()
    for (;;) {
      const { files } = await cleaner.driver.list('', { recursive: true }, ctx)
      if (files.length === 0) break
      for (const { key } of files) await cleaner.driver.delete(key, ctx)
    }
    await cleaner.close()
  }
}
