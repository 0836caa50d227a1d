export type { ObjectParameters } from '../../core/driver.ts'
export type { ChecksumAlgorithm } from '../../remote/checksums.ts'
export type { ObjectParametersSource } from '../../remote/options.ts'
export {
  type CloudFrontCookies,
  type CloudFrontKey,
  type CloudFrontLimits,
  type CloudFrontPolicy,
  CloudFrontSigner,
} from '../../remote/sign/cloudfront.ts'
export type { PostCondition, PostForm } from '../../remote/sign/post-policy.ts'
export type { UploadFormOptions } from '../../remote/upload-form.ts'
export type { AddressingStyle } from './addressing.ts'
export {
  type MigratedSettings,
  type MigrationNote,
  type MigrationOptions,
  migrateBotoSettings,
} from './boto/migration.ts'
export { S3Driver, type S3DriverOptions } from './driver.ts'
export { S3Error, type S3ErrorDetails } from './errors.ts'
export type { ProviderName } from './settings/presets.ts'
export { type S3Options, s3Settings, type UrlSigner } from './settings/settings.ts'
export { type S3ManifestOptions, S3ManifestStaticStorage, S3StaticStorage } from './static-storage.ts'
export { type CookieOptions, S3Storage, type S3UrlOptions } from './storage.ts'
