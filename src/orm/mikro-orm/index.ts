export { type FileProperty, FileType, fileType } from './file-type.ts'
export { MikroFiles, type MikroFilesOptions, mikroFiles } from './mikro-files.ts'
