import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { LocalStorage } from '../../src/backends/local/index.ts'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import type { DirectUpload } from '../../src/core/direct-uploads.ts'
import {
  azurePlace,
  dropboxPlace,
  gcsPlace,
  localPlace,
  NOWHERE,
  type Place,
  s3Place,
  swiftPlace,
} from './strict-places.ts'

/** What of the options a service enforces, and a piece of its target that is signed. */
interface Row {
  readonly name: string
  readonly start: () => Promise<Place>
  readonly method: DirectUpload['method']
  readonly form?: boolean
  readonly limitsSize: boolean
  readonly bindsType: boolean
  readonly keepsTypes?: boolean
  readonly options?: Readonly<Record<string, unknown>>
}

const ROWS: readonly Row[] = [
  { name: 'S3', start: s3Place, method: 'POST', form: true, limitsSize: true, bindsType: true },
  {
    name: 'S3 without forms',
    start: s3Place,
    method: 'PUT',
    limitsSize: false,
    bindsType: true,
    options: { provider: 'r2' },
  },
  { name: 'Google', start: gcsPlace, method: 'POST', form: true, limitsSize: true, bindsType: true },
  { name: 'Azure', start: azurePlace, method: 'PUT', limitsSize: false, bindsType: false },
  { name: 'Swift', start: swiftPlace, method: 'PUT', limitsSize: false, bindsType: false },
  { name: 'Dropbox', start: dropboxPlace, method: 'POST', limitsSize: false, bindsType: false, keepsTypes: false },
  { name: 'local disk', start: localPlace, method: 'PUT', limitsSize: true, bindsType: true },
]

/** What the documentation of `uploadTarget` has a browser do. */
async function upload({ method, url, headers, fields }: DirectUpload, file: Blob): Promise<number> {
  const form = new FormData()
  for (const [name, value] of Object.entries({ ...fields, file })) form.append(name, value)
  const answer = await fetch(url, { method, headers, body: fields ? form : file })
  await answer.arrayBuffer()
  return answer.status
}

const NAME = 'in box/ü & 1.txt'
const file = (text: string): Blob => new Blob([text])

describe.each(ROWS)('$name', row => {
  const { start, method, form, limitsSize, bindsType, keepsTypes } = row
  const started = start()
  const opened = started.then(place => place.storage(row.options))
  afterAll(async () => {
    await (await opened).close()
    await (await started).end()
  })
  afterEach(async () => {
    vi.useRealTimers()
    const storage = await opened
    for await (const { name } of storage.entries('', { recursive: true })) await storage.delete(name)
  })

  it('stores what a client without credentials sends', async () => {
    const storage = await opened
    const target = await storage.uploadTarget(NAME, { contentType: 'text/plain' })
    expect(target.method).toBe(method)
    expect(target.fields !== undefined).toBe(form === true)
    expect(await upload(target, file('sent by a browser'))).toBeLessThan(300)
    expect(await storage.readText(NAME)).toBe('sent by a browser')
    if (keepsTypes !== false) expect((await storage.stat(NAME)).contentType).toMatch(/^text\/plain/)
    expect(storage.supports('uploadTarget')).toBe(true)
  })

  it('the type is the one that the name implies where none is given', async () => {
    if (keepsTypes === false) return
    const storage = await opened
    const target = await storage.uploadTarget('p.png')
    expect(await upload(target, file('png'))).toBeLessThan(300)
    expect((await storage.stat('p.png')).contentType).toBe('image/png')
  })

  it('maxSize: so many bytes are stored, one more is refused; or the limit is unsupported', async () => {
    const storage = await opened
    if (!limitsSize) {
      const unsupported = { code: 'unsupported', message: expect.stringContaining('maxSize'), fileName: NAME }
      await expect(storage.uploadTarget(NAME, { maxSize: 5 })).rejects.toMatchObject(unsupported)
      return
    }
    const target = await storage.uploadTarget(NAME, { maxSize: 5 })
    expect(await upload(target, file('123456'))).toBeGreaterThanOrEqual(400)
    expect(await storage.exists(NAME)).toBe(false)
    expect(await upload(target, file('12345'))).toBeLessThan(300)
    expect(await storage.readText(NAME)).toBe('12345')
  })

  it('another type than the one that was given is refused', async () => {
    const storage = await opened
    if (!bindsType) return
    const target = await storage.uploadTarget(NAME, { contentType: 'image/png' })
    const headers = target.headers['content-type'] === undefined ? {} : { 'content-type': 'text/html' }
    const fields = target.fields === undefined ? undefined : { ...target.fields, 'Content-Type': 'text/html' }
    expect(await upload({ ...target, headers, fields }, file('<script>'))).toBe(403)
    expect(await storage.exists(NAME)).toBe(false)
  })

  it('is refused once its time is over', async () => {
    const storage = await opened
    const target = await storage.uploadTarget(NAME, { expiresInSecs: 60 })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 })
    expect(await upload(target, file('late'))).toBeGreaterThanOrEqual(400)
    vi.useRealTimers()
    expect(await storage.exists(NAME)).toBe(false)
  })

  it('stores under no other name', async () => {
    const storage = await opened
    const target = await storage.uploadTarget('mine.txt')
    const { fields } = target
    const other = fields === undefined ? undefined : { ...fields, key: 'yours.txt' }
    const url = target.url.replace('mine.txt', 'yours.txt')
    if (other === undefined && url === target.url) return
    expect(await upload({ ...target, url, fields: other }, file('x'))).toBeGreaterThanOrEqual(400)
    expect(await storage.exists('yours.txt')).toBe(false)
  })

  it('a name that is a variable of forms lets no client choose another one', async () => {
    const storage = await opened
    const name = 'in/$' + '{filename}'
    if (form) return expect(storage.uploadTarget(name)).rejects.toMatchObject({ code: 'suspicious_name' })
    expect(await upload(await storage.uploadTarget(name), file('x'))).toBeLessThan(300)
    expect(await storage.listdir('in')).toEqual([[], ['$' + '{filename}']])
  })

  it('is refused with a changed signature', async () => {
    const storage = await opened
    const target = await storage.uploadTarget(NAME)
    const turned = (text: string) => text.replace(/.(?=.{4}$)/, last => (last === 'a' ? 'b' : 'a'))
    const fields = target.fields && { ...target.fields }
    for (const name of Object.keys(fields ?? {})) if (/signature$/i.test(name)) fields![name] = turned(fields![name]!)
    const url = fields === undefined ? target.url.replace(/((?:sig|ture|temp_url_sig)=)[^&]+/i, `$1AAAA`) : target.url
    const forged = { ...target, url: url === target.url && fields === undefined ? turned(url) : url, fields }
    expect(await upload(forged, file('x'))).toBeGreaterThanOrEqual(400)
    expect(await storage.exists(NAME)).toBe(false)
  })

  it('options that are misspelt or no numbers, names outside and an aborted signal are refused', async () => {
    const storage = await opened
    const wrong = { code: 'invalid_argument' }
    await expect(storage.uploadTarget(NAME, { maxsize: 5 } as object)).rejects.toMatchObject({
      ...wrong,
      message: expect.stringContaining("'maxSize'"),
    })
    await expect(storage.uploadTarget(NAME, { maxSize: -1 })).rejects.toMatchObject(wrong)
    await expect(storage.uploadTarget(NAME, { expiresInSecs: 1.5 })).rejects.toMatchObject(wrong)
    await expect(storage.uploadTarget(NAME, { contentType: 'a\nb' })).rejects.toMatchObject(wrong)
    await expect(storage.uploadTarget('../x')).rejects.toMatchObject({ code: 'suspicious_name' })
    await expect(storage.uploadTarget('a/')).rejects.toMatchObject({ code: 'suspicious_name' })
    const signal = AbortSignal.abort()
    await expect(storage.uploadTarget(NAME, { signal })).rejects.toMatchObject({ code: 'aborted' })
    await using readOnly = (await started).storage({ ...row.options, readOnly: true })
    await expect(readOnly.uploadTarget(NAME)).rejects.toMatchObject({ code: 'permission_denied' })
  })
})

it('attributes and the ACL of the settings go with the form', async () => {
  const place = await s3Place()
  await using storage = place.storage({ defaultAcl: 'private', objectParameters: { StorageClass: 'STANDARD_IA' } })
  const target = await storage.uploadTarget('a.txt', {
    cacheControl: 'max-age=60',
    contentDisposition: 'attachment; filename="ü.txt"',
    metadata: { owner: 'me' },
  })
  expect(target.fields).toMatchObject({ acl: 'private', 'x-amz-storage-class': 'STANDARD_IA' })
  expect(await upload(target, file('x'))).toBe(204)
  expect(await storage.stat('a.txt')).toMatchObject({
    cacheControl: 'max-age=60',
    contentDisposition: expect.stringContaining('%C3%BC'),
    metadata: { owner: 'me' },
  })
  await place.end()
})

it('a key of the customer is never put into a form', async () => {
  const place = await s3Place()
  await using storage = place.storage({ objectParameters: { SSECustomerKey: 'k'.repeat(32) } })
  await expect(storage.uploadTarget('a.txt')).rejects.toMatchObject({ code: 'unsupported' })
  await place.end()
})

it('in Dropbox a type that the name does not imply is unsupported', async () => {
  const place = await dropboxPlace()
  await using storage = place.storage()
  await expect(storage.uploadTarget('a.txt', { contentType: 'image/png' })).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('contentType'),
  })
  await place.end()
})

it('is unsupported where clients cannot upload by themselves, and the message names what to set', async () => {
  const memory = new MemoryStorage({}, NOWHERE)
  await expect(memory.uploadTarget('a')).rejects.toMatchObject({ code: 'unsupported', fileName: 'a' })
  expect(memory.supports('uploadTarget')).toBe(false)
  const local = new LocalStorage({ location: '/tmp', baseUrl: '/media/' }, NOWHERE)
  await expect(local.uploadTarget('a')).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringMatching(/urlSecret.*baseUrl/),
  })
})
