export type { ObjectParameters } from '../../core/driver.ts'
export type { ObjectParametersSource } from '../../remote/options.ts'
export { type AccountOptions, type AzureAccount, type AzureCredential, azureAccount } from './account.ts'
export { type ConnectionString, parseConnectionString } from './connection-string.ts'
export type { DelegationKey } from './delegation-key.ts'
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
export type { AccessToken, TokenCredential } from './token.ts'
