export { type FileColumnOptions, FileTransformer, fileColumn } from './column.ts'
export { type TypeormFiles, type TypeormFilesOptions, typeormFiles } from './files.ts'
export type { WithFiles } from './values.ts'
