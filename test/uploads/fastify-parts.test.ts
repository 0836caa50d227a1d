import multipart, { type MultipartFile } from '@fastify/multipart'
import Fastify, { type FastifyRequest } from 'fastify'
import { afterAll, expect, test } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { holdallUploads } from '../../src/frameworks/fastify/index.ts'
import type { UploadedFile } from '../../src/uploads/index.ts'
import { type Answer, FORM_TYPE, formOf, png, type Sending, send } from './form.ts'
import { GROUNDS, type Running, type Serving } from './grounds.ts'

const running: Running[] = []
afterAll(async () => {
  for (const each of running) await each.close()
})

const file = { name: 'file', filename: 'a.png', body: png(5000) }

async function post(
  form: Uint8Array,
  serving: Omit<Serving, 'storage'> = {},
  sending: Sending = {},
): Promise<{ answer: Answer; names: string[] }> {
  const storage = new MemoryStorage()
  const server = await GROUNDS.find(({ name }) => name === 'Fastify')!.start({ storage, ...serving })
  running.push(server)
  const answer = (await send(server.port, form, { path: '/parts', ...sending }))!
  const names: string[] = []
  for await (const entry of storage.entries('', { recursive: true })) names.push(entry.name)
  return { answer, names }
}

test('request.saveUpload stores a part of request.parts()', async () => {
  const form = formOf({ name: 'album', body: 'summer' }, file, { name: 'after', body: 'x' })
  const field: Serving['field'] = {
    uploadTo: ({ text, filename }) => `${text('album')}/${filename}`,
    allow: ['image/*'],
  }
  const { answer, names } = await post(form, { field })
  expect(JSON.parse(answer.text)).toMatchObject({
    files: [{ name: 'summer/a.png', size: 5000, contentType: 'image/png' }],
  })
  expect(names).toEqual(['summer/a.png'])
})

test('a part that multipart cuts off at its limit is refused: the mark is looked at after the end', async () => {
  for (const [size, status] of [
    [4999, 413],
    [5000, 200],
  ] as const) {
    const { answer, names } = await post(formOf(file), { limits: { fileSize: size } })
    expect([size, answer.status, names.length]).toEqual([size, status, status === 200 ? 1 : 0])
  }
})

test('a body that ends early leaves nothing', async () => {
  const form = formOf({ ...file, name: 'other', filename: 'b.png' }, file)
  for (const endAt of [100, 3000, form.indexOf('a.png'), form.length - 3000, form.length - 4]) {
    const { answer, names } = await post(form, {}, { endAt })
    expect([endAt, answer.status >= 400, names]).toEqual([endAt, true, []])
  }
})

test('a handler that fails after a file leaves nothing', async () => {
  const { answer, names } = await post(formOf(file), {
    handle: () => {
      throw new Error('the database is down')
    },
  })
  expect([answer.status, names]).toEqual([500, []])
})

test('the plugin stands beside a registered @fastify/multipart, and finds that the body was read', async () => {
  const app = Fastify()
  await app.register(multipart, { attachFieldsToBody: true })
  await app.register(holdallUploads, { storage: new MemoryStorage() })
  app.post('/', async request => request.saveUploads({ fields: { file: {} } }))
  const body = formOf({ name: 'title', body: 'x' })
  const headers = { 'content-type': 'multipart/form-data; boundary=----holdall-test-boundary' }
  const answer = await app.inject({ method: 'POST', url: '/', headers, body })
  expect([answer.statusCode, answer.json().message]).toEqual([500, expect.stringContaining('read before')])
  await app.close()
})

test('a part that was read before is refused, not stored as an empty file', async () => {
  for (const attachFieldsToBody of [true, 'keyValues'] as const) {
    const storage = new MemoryStorage()
    const app = Fastify()
    await app.register(multipart, { attachFieldsToBody })
    await app.register(holdallUploads, { storage })
    app.post('/', async request => request.saveUpload((request.body as { file: never }).file))
    const headers = { 'content-type': FORM_TYPE }
    const answer = await app.inject({ method: 'POST', url: '/', headers, body: formOf(file) })
    const expected =
      attachFieldsToBody === true ? "the file of 'file' was read before" : 'expected a file of request.file()'
    expect([answer.statusCode, answer.json().message]).toEqual([500, expect.stringContaining(expected)])
    expect(await storage.exists('a.png')).toBe(false)
    await app.close()
  }
})

test('with attachFieldsToBody, onFile stores the parts', async () => {
  const storage = new MemoryStorage()
  const app = Fastify()
  await app.register(multipart, {
    attachFieldsToBody: true,
    async onFile(this: FastifyRequest, part: MultipartFile) {
      Object.assign(part, { value: await this.saveUpload(part, { uploadTo: 'photos' }) })
    },
  })
  await app.register(holdallUploads, { storage })
  app.post('/', async request => (request.body as { file: { value: UploadedFile } }).file.value.name)
  const headers = { 'content-type': FORM_TYPE }
  const answer = await app.inject({ method: 'POST', url: '/', headers, body: formOf(file) })
  expect([answer.body, await storage.size('photos/a.png')]).toEqual(['photos/a.png', 5000])
  await app.close()
})

test('a request that is no form is answered with 415, and options of a wrong name are refused', async () => {
  const app = Fastify()
  await app.register(holdallUploads, { storage: new MemoryStorage() })
  app.post('/', async request => request.saveUploads({ fields: { file: {} } }))
  expect((await app.inject({ method: 'POST', url: '/', body: { a: 1 } })).statusCode).toBe(415)
  await app.close()
  const wrong = Fastify()
  await expect(async () => wrong.register(holdallUploads, { limit: {} } as object)).rejects.toThrow("no option 'limit'")
})
