export { holdallStorage, type MulterEngine, type MulterFile, type MulterRequest, uploadedFiles } from './engine.ts'
export { uploadErrors } from './errors.ts'
