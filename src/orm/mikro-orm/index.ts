export { type FileProperty, type FileType, fileType } from './file-type.ts'
export { mikroFiles } from './mikro-files.ts'
