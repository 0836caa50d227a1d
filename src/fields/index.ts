export type { StoredFile } from './claims.ts'
export type { Field, StoredValue, StoreOptions } from './field.ts'
export { FieldFile } from './field-file.ts'
export type { FileFieldOptions } from './field-options.ts'
export {
  FileField,
  type FileValue,
  fileField,
} from './file-field.ts'
export type { ImageInfo } from './image/wanted.ts'
export { ImageField, ImageFieldFile, type ImageFieldOptions, imageField } from './image-field.ts'
export { type FileFields, FileModel, type FilesOf, type FileValues, fileModel, type StoredRow } from './model.ts'
export { findOrphans, type Orphan, type OrphanOptions, type OrphanSummary } from './orphans.ts'
export type { FieldSaveOptions, Owner, PersistOptions } from './persist.ts'
export { FileRegistry, type FileUser, fileRegistry, type KeptFile } from './registry.ts'
export { type FieldPlace, storedFile } from './stored.ts'
export { FileTransaction } from './transaction.ts'
export { type FileSource, Upload, upload, uploadPath } from './upload.ts'
