export { type FastifyUploadPart, type HoldallUploadsOptions, holdallUploads } from './plugin.ts'
