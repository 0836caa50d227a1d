export { FilePath, type FileType, type FileTypeOptions, fileType } from './file-path.ts'
export { detachFiles, type MongooseFilesOptions, mongooseFiles, type Revived, reviveFiles } from './plugin.ts'
