import 'reflect-metadata'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { Controller, Module, Post, Req, UseInterceptors } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FileFieldsInterceptor } from '@nestjs/platform-express'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import multer from 'multer'
import { holdallUploads } from '../../src/frameworks/fastify/index.ts'
import { holdallStorage, uploadErrors, uploadedFiles } from '../../src/frameworks/multer/index.ts'
import type { AnyStorage } from '../../src/storage/storage.ts'
import {
  saveUploads,
  UploadError,
  type UploadedFile,
  type UploadFieldOptions,
  type UploadLimits,
} from '../../src/uploads/index.ts'

/** What is served: a form with the file fields `file` and `other`, which have the same options. */
export interface Serving {
  readonly storage: AnyStorage
  // biome-ignore lint/suspicious/noExplicitAny: the request of any framework
  readonly field?: UploadFieldOptions<any>
  readonly limits?: UploadLimits
  /** What the handler does with the form, beside answering with it. */
  readonly handle?: (form: Form) => unknown
}

/** A form as a handler has it. */
export interface Form {
  readonly files: readonly UploadedFile[]
  readonly fields: ReadonlyArray<readonly [name: string, value: unknown]>
}

/** A running server. */
export interface Running {
  readonly port: number
  /** Requests that the server has begun, and those that have ended. */
  readonly counts: { begun: number; ended: number }
  close(): Promise<void>
}

/** An adapter, served. */
export interface Ground {
  readonly name: string
  /** Whether the parser is this package's own; multer has another. */
  readonly ownParser: boolean
  start(serving: Serving): Promise<Running>
}

/** What a client is shown of a form. */
function shown({ files, fields }: Form): object {
  return { files: files.map(({ storage: _, ...file }) => file), fields }
}

async function listening(server: Server, counts: Running['counts'], close?: () => Promise<void>): Promise<Running> {
  if (!server.listening) await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    counts,
    async close() {
      server.closeAllConnections()
      await (close?.() ?? new Promise(resolve => server.close(resolve)))
    },
  }
}

/** Counts a request as ended when its connection is closed and the work on it is done. */
function counted(counts: Running['counts'], res: ServerResponse): void {
  counts.begun++
  res.once('close', () => counts.ended++)
}

const fieldsOf = ({ field = {} }: Serving) => ({ file: field, other: field })

/** Hono on the bridge that its Node server is: a `Request` whose body is the message. */
const web: Ground = {
  name: 'saveUploads in Hono',
  ownParser: true,
  async start(serving) {
    const counts = { begun: 0, ended: 0 }
    const app = new Hono()
    app.post('/', c =>
      saveUploads(c.req.raw, { ...serving, fields: fieldsOf(serving), ...NO_FIELD }, async ({ files, fields }) => {
        const form = { files, fields: [...fields] }
        await serving.handle?.(form)
        return c.json(shown(form))
      }),
    )
    app.onError((error, c) => c.text(error.message, (error instanceof UploadError ? error.statusCode : 500) as 400))
    const server = createServer(async (req, res) => {
      counts.begun++
      const response = await app.fetch(requestOf(req))
      await ended(res, response)
      counts.ended++
    })
    return listening(server, counts)
  },
}

const NO_FIELD = { field: undefined, handle: undefined } as object

function requestOf(req: IncomingMessage): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(req.headers)) headers.set(name, `${value}`)
  const body = Readable.toWeb(req) as ReadableStream<Uint8Array>
  return new Request(`http://localhost${req.url}`, { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
}

async function ended(res: ServerResponse, response: Response): Promise<void> {
  const text = await response.text()
  if (res.destroyed) return
  res.writeHead(response.status, [...response.headers].flat())
  await new Promise<void>(resolve => {
    res.once('close', resolve)
    res.end(text)
  })
}

const fastify: Ground = {
  name: 'Fastify',
  ownParser: true,
  async start(serving) {
    const counts = { begun: 0, ended: 0 }
    const app = Fastify()
    await app.register(holdallUploads, { storage: serving.storage })
    app.addHook('onRequest', async (_request, reply) => counted(counts, reply.raw))
    const { limits } = serving
    app.post('/', async request => {
      const { files, fields } = await request.saveUploads({ fields: fieldsOf(serving), limits })
      const form = { files, fields: [...fields] }
      await serving.handle?.(form)
      return shown(form)
    })
    app.post('/parts', async request => {
      const files: UploadedFile[] = []
      const fields: [string, unknown][] = []
      const multipart = { limits: { fileSize: limits?.fileSize ?? Number.POSITIVE_INFINITY } }
      for await (const part of request.parts({ ...multipart, throwFileSizeLimit: false })) {
        if (part.type === 'field') fields.push([part.fieldname, part.value])
        else files.push(await request.saveUpload(part, (({ maxCount: _, ...field }) => field)(serving.field ?? {})))
      }
      const form = { files, fields }
      await serving.handle?.(form)
      return shown(form)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return listening(app.server, counts, () => app.close())
  },
}

function multerOptions({ storage, field = {}, limits = {} }: Serving): multer.Options {
  const { maxCount: _, ...options } = field
  const { fileSize, files, fields, fieldSize, fieldNameSize, parts } = limits
  const given = { files, fields, fieldSize, fieldNameSize, parts, fileSize }
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { storage: holdallStorage({ storage, ...options }), limits: known }
}

const multerFields = ({ field }: Serving): multer.Field[] => [
  { name: 'file', maxCount: field?.maxCount ?? 1 },
  { name: 'other', maxCount: field?.maxCount ?? 1 },
]

const formOfRequest = (req: { body?: unknown }): Form => ({
  files: uploadedFiles(req),
  fields: Object.entries((req.body ?? {}) as object),
})

const express_: Ground = {
  name: 'multer in Express',
  ownParser: false,
  async start(serving) {
    const counts = { begun: 0, ended: 0 }
    const app = express()
    app.use((_req, res, next) => {
      counted(counts, res)
      next()
    })
    app.post('/', multer(multerOptions(serving)).fields(multerFields(serving)), async (req, res) => {
      const form = formOfRequest(req)
      await serving.handle?.(form)
      res.json(shown(form))
    })
    app.use(uploadErrors())
    app.use(((error, _req, res, _next) => {
      const { status = 500, message } = error as { status?: number; message: string }
      res.status(status).send(message)
    }) satisfies express.ErrorRequestHandler)
    return listening(createServer(app), counts)
  },
}

const nest: Ground = {
  name: 'NestJS',
  ownParser: false,
  async start(serving) {
    const counts = { begun: 0, ended: 0 }
    class Files {
      async upload(req: express.Request): Promise<object> {
        const form = formOfRequest(req)
        await serving.handle?.(form)
        return shown(form)
      }
    }
    // What decorators do, without their syntax.
    const method = Object.getOwnPropertyDescriptor(Files.prototype, 'upload')!
    Post('/')(Files.prototype, 'upload', method)
    UseInterceptors(FileFieldsInterceptor(multerFields(serving), multerOptions(serving) as never))(
      Files.prototype,
      'upload',
      method,
    )
    Req()(Files.prototype, 'upload', 0)
    Controller()(Files)
    class App {}
    Module({ controllers: [Files] })(App)
    const app = await NestFactory.create(App, { logger: false })
    app.use((_req: IncomingMessage, res: ServerResponse, next: () => void) => {
      counted(counts, res)
      next()
    })
    await app.listen(0, '127.0.0.1')
    return listening(app.getHttpServer() as Server, counts, () => app.close())
  },
}

export const GROUNDS: readonly Ground[] = [web, express_, fastify, nest]
