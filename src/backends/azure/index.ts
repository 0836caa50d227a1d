export type { ObjectParameters } from '../../core/driver.ts'
export type { ObjectParametersSource } from '../../remote/options.ts'
export { type AccountOptions, type AzureAccount, type AzureCredential, azureAccount } from './credentials/account.ts'
export { type ConnectionString, parseConnectionString } from './credentials/connection-string.ts'
export type { DelegationKey } from './credentials/delegation-key.ts'
export type { AccessToken, TokenCredential } from './credentials/token.ts'
export { AzureDriver, type AzureDriverOptions } from './driver.ts'
export { AzureError, type AzureErrorDetails } from './errors.ts'
export {
  type AccountSasOptions,
  accountSas,
  type BlobSasOptions,
  delegationSas,
  type SasOptions,
  serviceSas,
} from './sas.ts'
export { type AzureOptions, azureSettings } from './settings.ts'
export { SharedKey } from './sign.ts'
export { AzureStorage } from './storage.ts'
