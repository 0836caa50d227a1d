export { FilePath, type FileType, fileType } from './file-path.ts'
export { detachFiles, mongooseFiles } from './plugin.ts'
