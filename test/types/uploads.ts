/** Compiled by `npm run types`, never run: the adapters fit the types of their frameworks. */

import type { DynamicModule } from '@nestjs/common'
import { FileInterceptor } from '@nestjs/platform-express'
import express from 'express'
import Fastify from 'fastify'
import type { Storage } from 'holdall'
import { type FastifyUploadPart, type HoldallUploadsOptions, holdallUploads, type UploadApp } from 'holdall/fastify'
import {
  holdallStorage,
  type MulterEngine,
  type MulterFile,
  type MulterRequest,
  uploadErrors,
  uploadedFiles,
} from 'holdall/multer'
import {
  getStorageToken,
  HoldallModule,
  type HoldallModuleAsyncOptions,
  type HoldallModuleOptions,
  InjectStorage,
} from 'holdall/nestjs'
import {
  type SaveUploadsOptions,
  type StorageOption,
  type StoredForm,
  saveUploads,
  type UploadContext,
  UploadError,
  type UploadErrorReason,
  type UploadedFile,
  type UploadFieldOptions,
  type UploadLimits,
  type UploadOptions,
  type Uploads,
} from 'holdall/uploads'
import multer from 'multer'

declare const request: Request
declare const storage: Storage

export type Public = [
  FastifyUploadPart,
  HoldallModuleAsyncOptions,
  HoldallModuleOptions,
  HoldallUploadsOptions,
  MulterEngine,
  MulterFile,
  MulterRequest,
  StorageOption,
  StoredForm,
  UploadApp,
  UploadErrorReason,
  UploadLimits,
  UploadOptions,
]

export const options: SaveUploadsOptions<Request> = {
  storage,
  fields: {
    avatar: { uploadTo: ({ filename, request, text }) => `${request.url}${text('a')}${filename}`, maxCount: 2 },
  },
  limits: { fileSize: 3 },
}
export const field: UploadFieldOptions = { allow: ['image/*'], uploadTo: (context: UploadContext) => context.filename }
export const uploads: Promise<Uploads> = saveUploads(request, options)
export const response: Promise<Response> = saveUploads(request, options, ({ files, fields }) =>
  Response.json({ name: files[0]?.name, title: fields.get('title') }),
)
// @ts-expect-error fields are needed
saveUploads(request, { storage })
// @ts-expect-error the content type is decided by name and bytes
export const wrong: UploadOptions = { saveOptions: { contentType: 'text/html' } }

const upload = multer({
  storage: holdallStorage<express.Request>({ uploadTo: ({ request, filename }) => `${request.ip}/${filename}` }),
})
export const engine: multer.StorageEngine = holdallStorage({ storage: 'media' })
export const app = express()
app.post('/', upload.single('avatar'), (req, res) => {
  const files: UploadedFile[] = uploadedFiles(req)
  res.json(files[0]?.name)
})
app.use(uploadErrors())
export const handler: express.ErrorRequestHandler = uploadErrors()

export const fastify = Fastify()
await fastify.register(holdallUploads, { storage: 'media' })
fastify.post('/', async request => {
  const { files } = await request.saveUploads({
    fields: { a: { uploadTo: each => `${each.request.ip}/${each.filename}` } },
  })
  const part = await request.file()
  const file: UploadedFile | undefined = part && (await request.saveUpload(part, { allow: ['image/*'] }))
  return [files, file?.name]
})

export const decorator: ParameterDecorator & PropertyDecorator = InjectStorage('media')
export const nest: [DynamicModule, DynamicModule, string] = [
  HoldallModule.forRoot({ STORAGES: {} }),
  HoldallModule.forRootAsync({ useFactory: () => ({ STORAGES: {} }), aliases: ['media'] }),
  getStorageToken('media'),
]
export const interceptor = FileInterceptor('a', { storage: holdallStorage() })
export const isRefused = (error: unknown): boolean => error instanceof UploadError && error.reason === 'malformed'
