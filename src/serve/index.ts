export type { Coding } from '../core/codings.ts'
export { contentDisposition } from '../core/disposition.ts'
export type { CorsOptions } from './cors.ts'
export {
  createFileHandler,
  type FileHandler,
  type FileHandlerOptions,
  type UrlVerifier,
} from './handler.ts'
export type { HeaderOptions } from './headers.ts'
export { type NodeListener, toNodeListener } from './node.ts'
export type { ServedStorage } from './served-storage.ts'
export type { ServedUrl } from './upload.ts'
