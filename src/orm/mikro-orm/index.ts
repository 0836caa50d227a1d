export { type FileOf, type FileProperty, FileType, fileProperty, fileType } from './file-type.ts'
export { MikroFiles, type MikroFilesOptions, mikroFiles } from './mikro-files.ts'
export type { Schemas } from './users.ts'
