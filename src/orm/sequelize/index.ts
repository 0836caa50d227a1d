export { type FileAttributeOptions, type FileAttributes, fileAttribute } from './attribute.ts'
export { type SequelizeFilesOptions, sequelizeFiles } from './files.ts'
export { inTransaction } from './transactions.ts'
