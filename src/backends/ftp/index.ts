export { FtpDriver, type FtpDriverOptions } from './driver.ts'
export { FtpConnectionError, FtpReplyError } from './errors.ts'
export { type FtpEncoding, type FtpOptions, ftpSettings } from './settings.ts'
export { FtpStorage } from './storage.ts'
