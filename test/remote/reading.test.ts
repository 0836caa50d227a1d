import { expect, it } from 'vitest'
import { BytesBody, readBytes } from '../../src/core/body.ts'
import { classifyHttp } from '../../src/remote/codes.ts'
import { statOfHeaders } from '../../src/remote/headers.ts'
import { HttpStatusError } from '../../src/remote/http-error.ts'
import { readObject } from '../../src/remote/reading.ts'

const FILE = Buffer.from('0123456789')

/** A service with one file; `asked` has the headers of each request. */
function service({ file = FILE, etag = '"e1"' } = {}) {
  const asked: Array<Record<string, string>> = []
  const protocol = {
    async get(headers: Record<string, string>) {
      asked.push(headers)
      const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers['range'] ?? '') ?? []
      const start = Number(first ?? 0)
      const told = { etag, 'last-modified': 'Thu, 01 Jan 1970 00:00:00 GMT' }
      if (first === undefined)
        return { status: 200, headers: { ...told, 'content-length': `${file.length}` }, body: new BytesBody(file) }
      if (start >= file.length)
        throw new HttpStatusError({ method: 'GET', url: 'http://x/a' }, { status: 416, headers: {} })
      const part = file.subarray(start, last ? Number(last) + 1 : undefined)
      const place = `bytes ${start}-${start + part.length - 1}/${file.length}`
      return { status: 206, headers: { ...told, 'content-range': place }, body: new BytesBody(part) }
    },
    statOf: statOfHeaders,
    matchHeader: (tag: string) => `"${tag}"`,
    classify: classifyHttp,
  }
  return { asked, protocol }
}

it('asks for a range of one version, and gives the size of the whole', async () => {
  const { asked, protocol } = service()
  const { body, stat } = await readObject(protocol, { range: { start: 2, end: 5 }, ifMatch: 'e1' })
  expect((await readBytes({ body })).toString()).toBe('234')
  expect(stat).toMatchObject({ size: 10, etag: 'e1', modifiedAt: new Date(0) })
  expect(asked).toEqual([{ range: 'bytes=2-4', 'if-match': '"e1"' }])
})

it('gives an empty file to a range from 0, and refuses one beyond the end', async () => {
  const { asked, protocol } = service({ file: Buffer.alloc(0) })
  const { body, stat } = await readObject(protocol, { range: { start: 0, end: 5 } })
  expect([(await readBytes({ body })).length, stat?.size]).toEqual([0, 0])
  expect(asked).toEqual([{ range: 'bytes=0-4' }, {}])
  await expect(readObject(protocol, { range: { start: 3 } })).rejects.toMatchObject({ status: 416 })
})

it('asks for a byte where none is wanted, so that a missing file is missed', async () => {
  const { asked, protocol } = service()
  const { body, stat } = await readObject(protocol, { range: { start: 4, end: 4 } })
  expect([(await readBytes({ body })).length, stat?.size]).toEqual([0, 10])
  expect(asked).toEqual([{ range: 'bytes=4-4' }])
})

it('compares a weak etag with that of the answer, and sends none', async () => {
  const { asked, protocol } = service({ etag: 'W/"e1"' })
  const { body } = await readObject(protocol, { ifMatch: 'W/"e1"' })
  expect((await readBytes({ body })).length).toBe(10)
  await expect(readObject(protocol, { ifMatch: 'W/"e2"' })).rejects.toMatchObject({ code: 'precondition_failed' })
  expect(asked).toEqual([{}, {}])
})
