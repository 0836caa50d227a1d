export { type FileType, fileType } from './file-type.ts'
export { detachFiles, mongooseFiles } from './plugin.ts'
