export { type FastifyUploadPart, type HoldallUploadsOptions, holdallUploads, type UploadApp } from './plugin.ts'
