/** Storages on a test server, by every way to authenticate. */
import type { AzureOptions, AzureStorage } from '../../../src/backends/azure/index.ts'
import type { Input } from '../../../src/core/settings.ts'
import { storageWith } from './support.ts'

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

/** A storage of a test server, with its key unless the options say more. */
export function storageFor(server: TestAccount, options: Input<AzureOptions> = {}): AzureStorage {
  return storageWith({ ...keyOptions(server), ...options })
}

/** A credential that gives a token for an hour. */
export function tokenCredential(token: string): { getToken(): Promise<{ token: string; expiresOnTimestamp: number }> } {
  return { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) }
}
