/** The application of `examples/resumes` behind a real server, with its files in a folder or in the storages of the tests. */
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DatabaseSync } from 'node:sqlite'
import { deflateSync } from 'node:zlib'
import { vi } from 'vitest'
import { createApp } from '../../../examples/resumes/app.ts'
import { openDatabase } from '../../../examples/resumes/database.ts'
import { Draft } from '../../../examples/resumes/draft.ts'
import { type Resume, Resumes } from '../../../examples/resumes/resumes.ts'
import type { FieldFile } from '../../../src/fields/index.ts'
import { configure, type HoldallSettings, storages } from '../../../src/index.ts'
import { toNodeListener } from '../../../src/serve/index.ts'
import { temporaryFolder } from '../../backends/local/fixture.ts'

export const PDF = '%PDF-1.7\nabout me'

/** A file to be sent, with a name and a content. */
export type Sent = readonly [name: string, content: string | Uint8Array]

/** A running application. */
export interface Site extends AsyncDisposable {
  readonly origin: string
  readonly media: string
  readonly database: DatabaseSync
  readonly resumes: Resumes
  /** What the application has answered; one more is awaited by `answered`. */
  readonly answers: readonly Response[]
  answered(): Promise<unknown>
  get(path: string, headers?: Record<string, string>): Promise<Response>
  post(path: string, fields?: Record<string, string | Sent>, headers?: Record<string, string>): Promise<Response>
  /** Adds a resume and returns its row. */
  add(person: string, pdf?: Sent, photos?: Sent): Promise<Resume>
  /** All files below the folder of the storage, hidden ones too, and what waits to be stored. */
  files(): string[]
}

/** Starts the application; its files are in a folder unless other settings are given. */
export async function startSite(settings?: HoldallSettings): Promise<Site> {
  const folder = temporaryFolder()
  const media = `${folder.path}/media`
  const local = { location: media, baseUrl: '/media/', fsync: false, tempDir: `${folder.path}/spool` }
  mkdirSync(`${folder.path}/spool`)
  configure(settings ?? { STORAGES: { default: { BACKEND: 'local', OPTIONS: local } } })
  const database = openDatabase(folder.path)
  const resumes = new Resumes(database)
  const app = createApp(resumes)
  const answers: Response[] = []
  const server = createServer(
    toNodeListener(async request => {
      const answer = await app(request)
      answers.push(answer)
      server.emit('answered')
      return answer
    }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const site: Site = {
    origin,
    media,
    database,
    resumes,
    answers,
    answered: () => once(server, 'answered'),
    get: (path, headers = {}) => fetch(origin + path, { headers }),
    post: (path, fields = {}, headers = {}) =>
      fetch(origin + path, { method: 'POST', body: formOf(fields), headers, redirect: 'manual' }),
    async add(person, pdf = ['cv.pdf', PDF], photos) {
      const answer = await site.post('/resumes', { person, pdf, ...(photos && { photos }) })
      if (answer.status !== 303) throw new Error(errorIn(await answer.text()))
      return resumes.list()[0]!
    },
    files: () => [...filesBelow(`${folder.path}/spool`), ...filesBelow(media)],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      resumes.close()
      await storages.closeAll()
      configure({})
      folder[Symbol.dispose]()
    },
  }
  return site
}

export function formOf(fields: Record<string, string | Sent>): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, new File([value[1] as string], value[0]))
  }
  return form
}

export function filesBelow(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    const files = entries.filter(entry => !entry.isDirectory())
    return files.map(({ parentPath, name }) => `${parentPath}/${name}`.slice(folder.length + 1)).sort()
  } catch {
    return []
  }
}

/** What a page says in its alert. */
export function errorIn(page: string): string {
  return /<p id="error" role="alert">([^<]*)</.exec(page)?.[1] ?? page
}

/** A grey picture of one bit per pixel. */
export function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(data.length)
    head.write(type, 4, 'latin1')
    return Buffer.concat([head, data, Buffer.alloc(4)])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header[8] = 1
  const pixels = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height))
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

export function textOf(file: FieldFile): Promise<string> {
  return file.storage.readText(String(file))
}

/** Resolves when the application has begun to take a file of a form. */
export function draftBegun(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { file } = Draft.prototype
  vi.spyOn(Draft.prototype, 'file').mockImplementationOnce(function (this: Draft, ...given) {
    resolve()
    return file.apply(this, given)
  })
  return promise
}
