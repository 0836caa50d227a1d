export {
  createFileHandler,
  type FileHandler,
  type FileHandlerOptions,
  type ServedStorage,
  type UrlVerifier,
} from './handler.ts'
export { contentDisposition, type HeaderOptions } from './headers.ts'
export { type NodeListener, toNodeListener } from './node.ts'
export type { ServedUrl } from './upload.ts'
