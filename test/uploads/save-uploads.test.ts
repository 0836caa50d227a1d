import { expect, test, vi } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { overrideSettings } from '../../src/config/configure.ts'
import { isStorageError } from '../../src/core/errors.ts'
import { type SaveUploadsOptions, saveUploads, UploadError } from '../../src/uploads/index.ts'
import { BOUNDARY, FORM_TYPE, formOf, png } from './form.ts'

function requestOf(
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | string | null,
  type: string | null = FORM_TYPE,
): Request {
  const headers = type === null ? undefined : { 'content-type': type }
  return new Request('http://localhost/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
}

const photo = { name: 'photo', filename: 'a.png', body: png(9000) }

async function namesIn(storage: MemoryStorage): Promise<string[]> {
  const names: string[] = []
  for await (const entry of storage.entries('', { recursive: true })) names.push(entry.name)
  return names
}

test('reads what FormData of the platform makes', async () => {
  const storage = new MemoryStorage()
  const form = new FormData()
  form.append('title', 'a "title"\r\nin two lines')
  form.append('title', 'another')
  form.append('photo', new File([png(9000)], 'Straße "1".png', { type: 'image/png' }))
  const { files, fields } = await saveUploads(new Request('http://localhost/', { method: 'POST', body: form }), {
    storage,
    fields: { photo: { uploadTo: 'photos' } },
  })
  expect(fields.getAll('title')).toEqual(['a "title"\r\nin two lines', 'another'])
  expect(files).toEqual([
    {
      field: 'photo',
      name: 'photos/Straße_1.png',
      originalName: 'Straße "1".png',
      contentType: 'image/png',
      size: 9000,
      storage,
    },
  ])
})

test('holds neither files nor the body in memory: the client waits for the storage', async () => {
  let sent = 0
  const chunk = Buffer.alloc(64 * 1024, 'a')
  const head = formOf({ name: 'photo', filename: 'a.txt', body: '' }).subarray(0, -BOUNDARY.length - 8)
  const body = new ReadableStream<Uint8Array>({
    start: controller => controller.enqueue(head),
    pull(controller) {
      sent += chunk.byteLength
      controller.enqueue(chunk)
    },
  })
  const storage = new MemoryStorage()
  let taken = 0
  const { promise: enough, resolve } = Promise.withResolvers<void>()
  storage.save = async (_name, source) => {
    for await (const bytes of source as AsyncIterable<Uint8Array>) {
      taken += bytes.byteLength
      if (taken > 20 * chunk.byteLength) break
    }
    // Everything that could be read ahead has been, when a few turns later nothing more was.
    for (let before = -1; before !== sent; ) {
      before = sent
      for (let turn = 0; turn < 20; turn++) await new Promise(next => setImmediate(next))
    }
    resolve()
    throw new Error('the disk is full')
  }
  const saving = saveUploads(requestOf(body), { storage, fields: { photo: {} } })
  saving.catch(() => undefined)
  await enough
  expect(sent - taken).toBeLessThan(512 * 1024)
  // An endless body is given up after 64 MiB.
  await expect(saving).rejects.toThrow('the disk is full')
  expect(sent).toBeLessThan(70 * 1024 * 1024)
})

test('with a handler, returns what it returns, and removes the files when it throws or refuses', async () => {
  const storage = new MemoryStorage()
  const options = { storage, fields: { photo: {} } }
  const form = (): Request => requestOf(formOf(photo))
  expect(await saveUploads(form(), options, ({ files }) => files[0]?.name)).toBe('a.png')
  await storage.delete('a.png')
  const failing = saveUploads(form(), options, () => {
    throw new Error('the database is down')
  })
  await expect(failing).rejects.toThrow('the database is down')
  expect(await namesIn(storage)).toEqual([])
  const refused = await saveUploads(form(), options, () => new Response('no such album', { status: 422 }))
  expect([refused.status, await namesIn(storage)]).toEqual([422, []])
  const taken = await saveUploads(form(), options, () => new Response('created', { status: 201 }))
  expect([taken.status, await namesIn(storage)]).toEqual([201, ['a.png']])
})

test('after an error the rest of the body is read before it is thrown, for servers that answer no client who is still sending', async () => {
  const form = formOf({ ...photo, body: Buffer.alloc(1_000_000, 'a') })
  let at = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= form.length) return controller.close()
      controller.enqueue(form.subarray(at, (at += 16_384)))
    },
  })
  const fields = { photo: { allow: ['image/png'] } }
  const saving = saveUploads(requestOf(body), { storage: new MemoryStorage(), fields })
  await expect(saving).rejects.toMatchObject({ reason: 'type_not_allowed' })
  expect(at).toBeGreaterThanOrEqual(form.length)
})

test('discard removes the files, once', async () => {
  const storage = new MemoryStorage()
  const uploads = await saveUploads(requestOf(formOf(photo)), { storage, fields: { photo: {} } })
  const remove = vi.spyOn(storage, 'delete')
  await Promise.all([uploads.discard(), uploads.discard()])
  await uploads.discard()
  expect([remove.mock.calls.length, await namesIn(storage)]).toEqual([1, []])
})

test.each<[what: string, request: () => Request, error: object]>([
  ['no form', () => requestOf('{}', 'application/json'), { reason: 'not_multipart', status: 415 }],
  ['no type', () => requestOf(Buffer.from('x'), null), { reason: 'not_multipart', status: 415 }],
  ['no body', () => requestOf(null), { reason: 'malformed', status: 400 }],
  ['no boundary', () => requestOf('x', 'multipart/form-data; boundary='), { reason: 'malformed', status: 400 }],
  ['another field', () => requestOf(formOf({ ...photo, name: 'x' })), { reason: 'unexpected_file', field: 'x' }],
  [
    'a body over totalSize',
    () => requestOf(formOf({ ...photo, body: png(30_000) })),
    { reason: 'request_too_large', status: 413 },
  ],
  ['a body that fails', () => requestOf(failingBody()), { reason: 'aborted', code: 'aborted' }],
  ['a file without a name', () => requestOf(formOf({ ...photo, filename: '' })), { reason: 'bad_name', status: 400 }],
])('%s is an UploadError', async (_, request, error) => {
  const storage = new MemoryStorage()
  const saving = saveUploads(request(), { storage, fields: { photo: {} }, limits: { totalSize: 20_000 } })
  const found: unknown = await saving.catch((thrown: unknown) => thrown)
  expect(found).toBeInstanceOf(UploadError)
  expect(isStorageError(found)).toBe(true)
  expect(found).toMatchObject(error)
  expect(await namesIn(storage)).toEqual([])
})

function failingBody(): ReadableStream<Uint8Array> {
  const body = formOf(photo).subarray(0, 5000)
  let turns = 0
  return new ReadableStream({
    pull(controller) {
      if (turns++ === 0) controller.enqueue(body)
      else controller.error(new Error('connection reset'))
    },
  })
}

test('an aborted signal ends the reading at once, although the body hangs, and leaves nothing', async () => {
  const storage = new MemoryStorage()
  const controller = new AbortController()
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    start: stream => stream.enqueue(formOf(photo, { ...photo, name: 'second' }).subarray(0, 12_000)),
    cancel: () => {
      cancelled = true
    },
  })
  const options = { storage, fields: { photo: {}, second: {} }, signal: controller.signal }
  const saving = saveUploads(requestOf(body), options)
  await vi.waitFor(async () => expect(await namesIn(storage)).toEqual(['a.png']), { interval: 2 })
  controller.abort()
  await expect(saving).rejects.toMatchObject({ code: 'aborted' })
  expect([await namesIn(storage), cancelled]).toEqual([[], true])
  await expect(saveUploads(requestOf(formOf(photo)), options)).rejects.toMatchObject({ code: 'aborted' })
})

test('a body that was read before is the mistake of the program', async () => {
  const request = requestOf(formOf(photo))
  await request.arrayBuffer()
  const saving = saveUploads(request, { storage: new MemoryStorage(), fields: { photo: {} } })
  await expect(saving).rejects.toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining('read before'),
  })
})

test.each<[options: object, message: string]>([
  [{}, 'fields: expected an object, got undefined'],
  [{ fields: { photo: { maxsize: 3 } } }, "the field 'photo' has no option 'maxsize' (did you mean 'maxSize'?)"],
  [{ fields: { photo: { maxSize: '3' } } }, 'maxSize: expected a number of at least 0, got string'],
  [{ fields: { photo: { maxSize: Number.NaN } } }, 'maxSize: expected a number of at least 0, got NaN'],
  [{ fields: { photo: { allow: ['png'] } } }, "allow: expected media types as 'image/png', got 'png'"],
  [{ fields: { photo: { uploadTo: '/etc' } } }, 'uploadTo must be a relative path'],
  [{ fields: {}, limits: { filesize: 3 } }, "limits has no option 'filesize' (did you mean 'fileSize'?)"],
  [{ fields: {}, limits: { files: -1 } }, 'limits.files: expected a number of at least 0, got -1'],
  [{ fields: {}, field: {} }, "saveUploads has no option 'field' (did you mean 'fields'?)"],
])('options %j are refused before anything is read', async (options, message) => {
  const request = requestOf(formOf(photo))
  const saving = saveUploads(request, options as SaveUploadsOptions<Request>)
  await expect(saving).rejects.toThrow(message)
  expect(request.bodyUsed).toBe(false)
})

test('storages are aliases of the settings, functions, and those of a field before the common one', async () => {
  const settings = { STORAGES: { default: { BACKEND: MemoryStorage }, other: { BACKEND: MemoryStorage } } }
  await overrideSettings(settings, async () => {
    const own = new MemoryStorage()
    const fields = { photo: {}, second: { storage: 'other' }, third: { storage: () => own } }
    const form = formOf(photo, { ...photo, name: 'second' }, { ...photo, name: 'third' })
    const { files } = await saveUploads(requestOf(form), { fields })
    expect(files.map(({ field, name }) => [field, name])).toEqual([
      ['photo', 'a.png'],
      ['second', 'a.png'],
      ['third', 'a.png'],
    ])
    expect(await namesIn(own)).toEqual(['a.png'])
    const saving = saveUploads(requestOf(formOf(photo)), { storage: 'missing', fields: { photo: {} } })
    await expect(saving).rejects.toThrow("Could not find config for 'missing'")
  })
})

test('files with one name get different ones, and saveOptions count', async () => {
  const storage = new MemoryStorage()
  const fields = { photo: { maxCount: 2, saveOptions: { cacheControl: 'no-cache', metadata: { owner: 'me' } } } }
  const { files } = await saveUploads(requestOf(formOf(photo, photo)), { storage, fields })
  expect(new Set(files.map(({ name }) => name)).size).toBe(2)
  expect(await storage.stat(files[1]!.name)).toMatchObject({ cacheControl: 'no-cache', metadata: { owner: 'me' } })
})

test.each([1, 2, 3, 7, 64])('a body in chunks of %i bytes is the same form', async step => {
  const storage = new MemoryStorage()
  const form = formOf({ name: 'title', body: 'x' }, { ...photo, body: png(700) }, { name: 'after', body: '' })
  const bytes = Buffer.concat([Buffer.from('a preamble\r\n'), form, Buffer.from('an epilogue')])
  let at = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(at, (at += step)))
    },
  })
  const { files, fields } = await saveUploads(requestOf(body), { storage, fields: { photo: {} } })
  expect([files[0]?.size, [...fields]]).toEqual([
    700,
    [
      ['title', 'x'],
      ['after', ''],
    ],
  ])
  expect(await storage.readBytes('a.png')).toEqual(png(700))
})

test('bytes before the first boundary are limited', async () => {
  const form = formOf(photo)
  for (const [size, isOver] of [
    [60_000, false],
    [200_000, true],
  ] as const) {
    const storage = new MemoryStorage()
    const chunks = [
      ...Array.from({ length: size / 10_000 }, () => Buffer.alloc(10_000, 'x')),
      Buffer.from('\r\n'),
      form,
    ]
    const saving = saveUploads(requestOf(ReadableStream.from(chunks)), { storage, fields: { photo: {} } })
    if (isOver) await expect(saving).rejects.toMatchObject({ reason: 'malformed', status: 400 })
    else await saving
    expect(await namesIn(storage)).toEqual(isOver ? [] : ['a.png'])
  }
})

test('bytes after the last boundary are not read without end', async () => {
  const chunk = Buffer.alloc(8 * 1024 * 1024)
  const { promise: given, resolve: cancel } = Promise.withResolvers<void>()
  const body = new ReadableStream<Uint8Array>({
    start: controller => controller.enqueue(formOf(photo)),
    pull: controller => controller.enqueue(chunk),
    cancel,
  })
  const { files } = await saveUploads(requestOf(body), { storage: new MemoryStorage(), fields: { photo: {} } })
  expect(files.length).toBe(1)
  await given
})
