import { readdirSync } from 'node:fs'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { MemoryStorage } from '../../src/backends/memory/index.ts'
import { isFull } from '../support/sampled.ts'
import { type Answer, BOUNDARY, formOf, type Part, png, type Sending, send } from './form.ts'
import { GROUNDS, type Running, type Serving } from './grounds.ts'

const IMAGES = ['image/png', 'image/jpeg']

const REPEATED = isFull ? 1000 : 24

const FILE_HEAD = 'Content-Disposition: form-data; name="file"; filename="a.png"'
/** Bodies that no parser can make a form of. */
const MALFORMED: Readonly<Record<string, { readonly body: string; readonly type?: string }>> = {
  'the head of a part directly followed by the last boundary': {
    body: `--${BOUNDARY}\r\n${FILE_HEAD}\r\n--${BOUNDARY}--\r\n`,
  },
  'an empty field name': {
    body: `--${BOUNDARY}\r\nContent-Disposition: form-data; name=""\r\n\r\nx\r\n--${BOUNDARY}--\r\n`,
  },
  'a missing boundary': { body: `--x\r\n${FILE_HEAD}\r\n\r\nx\r\n--x--\r\n`, type: 'multipart/form-data' },
  'a head without end': { body: `--${BOUNDARY}\r\n${FILE_HEAD}\r\nX-A: ${'a'.repeat(20_000)}` },
  'another boundary': { body: `--other\r\n${FILE_HEAD}\r\n\r\nx\r\n--other--\r\n` },
  'no boundary at all': { body: 'just text' },
}

const openFiles = (): number => readdirSync('/proc/self/fd').length

describe.each(GROUNDS)('$name', ({ name: ground, start, ownParser }) => {
  /** NestJS has the engine of Express: a plain run takes a few rows of a table. */
  const rows = <T>(all: T[]): T[] => (isFull || ground !== 'NestJS' ? all : all.slice(0, 3))
  // NestJS answers all limits but the one of files' sizes with 400.
  const countStatus = (): number => (ground === 'NestJS' ? 400 : 413)
  const running: Running[] = []
  afterAll(async () => {
    await Promise.all(running.map(each => each.close()))
  })

  async function post(
    parts: readonly Part[] | Uint8Array,
    serving: Omit<Serving, 'storage'> = {},
    sending?: Sending,
  ): Promise<{ answer: Answer; storage: MemoryStorage; names: string[] }> {
    const storage = new MemoryStorage()
    const server = await start({ storage, ...serving })
    running.push(server)
    const form = parts instanceof Uint8Array ? parts : formOf(...(parts as Part[]))
    const answer = (await send(server.port, form, sending))!
    const names = await namesIn(storage)
    return { answer, storage, names }
  }

  test('stores files under uploadTo, and returns them with the text fields', async () => {
    const parts = [
      { name: 'title', body: 'Köln' },
      { name: 'file', filename: '../../etc/my photo.png', body: png(5000), type: 'text/html' },
      { name: 'note', body: 'after' },
    ]
    const { answer, storage, names } = await post(parts, { field: { uploadTo: 'photos/%Y', allow: IMAGES } })
    expect(answer).toMatchObject({ status: expect.any(Number) })
    const { files, fields } = JSON.parse(answer.text)
    const year = new Date().getFullYear()
    expect(files).toEqual([
      {
        field: 'file',
        name: `photos/${year}/my_photo.png`,
        originalName: 'my photo.png',
        contentType: 'image/png',
        size: 5000,
      },
    ])
    expect(fields).toEqual([
      ['title', 'Köln'],
      ['note', 'after'],
    ])
    expect(names).toEqual([`photos/${year}/my_photo.png`])
    expect(await storage.readBytes(names[0]!)).toEqual(png(5000))
  })

  const file = (body: string | Uint8Array, more: Partial<Part> = {}): Part => ({
    name: 'file',
    filename: 'a.png',
    body,
    ...more,
  })

  describe('upl-1: a body that ends early is a failed upload', () => {
    const form = formOf({ name: 'title', body: 'x' }, file(png(300)))
    const afterFile = form.lastIndexOf('\r\n--')
    test.each([
      ['in the head of the file', form.indexOf('a.png')],
      ['in the file', form.indexOf('PNG') + 100],
      ['after the last byte of the file', afterFile],
      ['in the boundary after the file', afterFile + 10],
      ['before the last two dashes', form.length - 4],
      ['between the last two dashes', form.length - 3],
    ])('%s', async (_, endAt) => {
      const { answer, names } = await post(form, {}, { endAt })
      expect([answer.status, names]).toEqual([400, []])
    })
  })

  describe('upl-2: the size limit holds for every file of every request', () => {
    test.each([1, 4099, 4100, 4101, 65_536, 200_001])(
      'of %i bytes: exactly the limit passes, one byte over fails',
      async limit => {
        const storage = new MemoryStorage()
        const server = await start({ storage, field: { maxSize: limit } })
        running.push(server)
        for (const size of [limit, limit + 1, limit, limit + 1]) {
          const { status } = (await send(server.port, formOf(file(Buffer.alloc(size, 'a'), { filename: 'a.txt' }))))!
          const isOver = size > limit
          expect([size, isOver ? status : Math.floor(status / 100)]).toEqual([size, isOver ? 413 : 2])
        }
        expect((await namesIn(storage)).length).toBe(2)
      },
    )

    test('of the form, with files that are smaller than a buffer', async () => {
      const field = { maxSize: 1000 }
      const limits = { fileSize: 100 }
      const form = (size: number): Part[] => [file(Buffer.alloc(size, 'a'), { filename: 'a.txt' })]
      // The limit of a field is its own; for multer there are two, and the smaller one counts.
      const exact = await post(form(100), { field, limits })
      expect(exact.names.length).toBe(1)
      const over = await post(form(ownParser ? 1001 : 101), { field, limits })
      expect([over.answer.status, over.names]).toEqual([413, []])
    })
  })

  describe('upl-3: when a later part fails, the files stored earlier are removed, each once', () => {
    const good = file(png(6000))
    const cases: Record<string, [parts: Part[], status: number]> = {
      'a file that is too large': [[good, file(png(30_000), { name: 'other' })], 413],
      'a type that is not allowed': [[good, file('text', { name: 'other' })], 415],
      'two failures': [[good, file('text', { name: 'other' }), file(png(30_000), { name: 'other' })], 415],
      'a field without a name': [[good, { name: '', body: 'x' }], 400],
      'a file that no field takes': [[good, file(png(100), { name: 'third' })], 400],
      'one file too many': [[good, file(png(100)), file(png(100))], ownParser ? 413 : 400],
    }
    test.each(Object.keys(cases))('%s', async what => {
      const [parts, status] = cases[what]!
      const storage = new MemoryStorage()
      const [saved, removed]: [string[], string[]] = [[], []]
      const save = storage.save.bind(storage)
      storage.save = async (...args) => {
        const name = await save(...args)
        saved.push(name)
        return name
      }
      const remove = storage.delete.bind(storage)
      storage.delete = async name => {
        removed.push(`${name}`)
        await remove(name)
      }
      const server = await start({ storage, field: { allow: IMAGES, maxSize: 20_000, maxCount: 2 } })
      running.push(server)
      const answer = (await send(server.port, formOf(...parts)))!
      // multer stores the files of a form at the same time, so either of two failures may be the first.
      expect(what === 'two failures' && !ownParser ? [413, 415] : [status], answer.text).toContain(answer.status)
      expect(await namesIn(storage)).toEqual([])
      expect(removed.sort()).toEqual(saved.sort())
      if (status !== 400) expect(saved.length).toBeGreaterThan(0)
      // The process lives, and the next request is served.
      expect((await send(server.port, formOf(good)))!.status).toBeLessThan(300)
    })

    test('a removal that fails is a warning, and the client gets the first error', async () => {
      const warnings: string[] = []
      const warned = (warning: Error): void => void warnings.push(warning.message)
      process.on('warning', warned)
      const storage = new MemoryStorage()
      storage.delete = async () => {
        throw new Error('the disk is gone')
      }
      const server = await start({ storage, field: { allow: IMAGES } })
      running.push(server)
      const answer = (await send(server.port, formOf(good, file('text', { name: 'other' }))))!
      expect(answer.status).toBe(415)
      await new Promise(resolve => setImmediate(resolve))
      process.off('warning', warned)
      expect(warnings).toEqual(["The uploaded file 'a.png' could not be removed: the disk is gone"])
    })
  })

  describe('upl-4: any malformed body is answered with 400', () => {
    test.each(Object.keys(MALFORMED))('%s', async what => {
      const { body, type } = MALFORMED[what]!
      const { answer, names } = await post(Buffer.from(body, 'latin1'), {}, type === undefined ? {} : { type })
      expect([answer.status, names]).toEqual([400, []])
    })

    test(`no descriptor stays open after ${REPEATED} of them, and the process lives`, async () => {
      const storage = new MemoryStorage()
      const server = await start({ storage })
      running.push(server)
      const bodies = Object.values(MALFORMED)
      const before = openFiles()
      for (let at = 0; at < REPEATED; at++) {
        const { body, type } = bodies[at % bodies.length]!
        const answer = await send(server.port, Buffer.from(body, 'latin1'), type === undefined ? {} : { type })
        expect(answer?.status).toBe(400)
      }
      await vi.waitFor(() => expect(openFiles()).toBeLessThanOrEqual(before))
      const sockets = process
        .getActiveResourcesInfo()
        .filter(name => /TCPSocketWrap|FSReqPromise|FILEHANDLE/.test(name))
      expect(sockets).toEqual([])
      expect((await send(server.port, formOf(file(png(100)))))!.status).toBeLessThan(300)
    })
  })

  describe('upl-5: the client always gets an answer', () => {
    const large = formOf(file(Buffer.alloc(3_000_000, 'a'), { filename: 'a.txt' }), { name: 'after', body: 'x' })

    test('after an error of the storage, when much of the body is left', async () => {
      // More than the buffers of two sockets hold.
      const huge = formOf(file(Buffer.alloc(24_000_000, 'a'), { filename: 'a.txt' }))
      const storage = new MemoryStorage()
      storage.save = async () => {
        throw new Error('the storage is down')
      }
      const server = await start({ storage })
      running.push(server)
      expect((await send(server.port, huge))?.status).toBe(500)
    })

    test('after an error of the handler, and then no file stays', async () => {
      const { answer, storage } = await post(large, {
        handle: () => {
          throw new Error('the database is down')
        },
      })
      expect(answer.status).toBe(500)
      await vi.waitFor(async () => expect(await namesIn(storage)).toEqual([]))
    })

    test('when text fields follow a large file', async () => {
      const { answer } = await post(large)
      expect(JSON.parse(answer.text).fields).toEqual([['after', 'x']])
    })
  })

  test('upl-6: field names are data', async () => {
    const names = [
      '__proto__',
      'constructor.prototype.x',
      'a[__proto__][b]',
      'toString',
      'hasOwnProperty',
      'constructor',
    ]
    const { answer } = await post(names.map(name => ({ name, body: `value of ${name}` })))
    const fields = new Map<string, unknown>(JSON.parse(answer.text).fields)
    for (const name of ['toString', 'hasOwnProperty', 'constructor', 'constructor.prototype.x']) {
      expect([name, fields.get(name)]).toEqual([name, `value of ${name}`])
    }
    expect(JSON.parse(answer.text).fields.length).toBe(names.length)
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { x?: unknown; b?: unknown }).x ?? ({} as { b?: unknown }).b).toBeUndefined()
    const taken = await post([{ name: 'toString', filename: 'a.png', body: png(10) }])
    expect([taken.answer.status, taken.names]).toEqual([400, []])
  })

  describe('upl-7: an uploadTo that reads a text field', () => {
    const field: Serving['field'] = { uploadTo: ({ text, filename }) => `albums/${text('album')}/${filename}` }
    const album = { name: 'album', body: 'summer' }

    test('has the fields that came before the file', async () => {
      expect((await post([album, file(png(10))], { field })).names).toEqual(['albums/summer/a.png'])
    })

    test('fails with a message for one that has not arrived', async () => {
      const { answer, names } = await post([file(png(10)), album], { field })
      expect([answer.status, names]).toEqual([400, []])
      expect(answer.text).toContain("reads the text field 'album', which has not arrived")
    })

    test('cannot be led out of its folder by one', async () => {
      const form = [{ name: 'album', body: '../../etc' }, file(png(10))]
      const { answer, names } = await post(form, { field })
      expect([answer.status, names]).toEqual([400, []])
    })

    test('never gets undefined into a name', async () => {
      const user: { id?: string } = {}
      const { answer, names } = await post([file(png(10))], {
        field: { uploadTo: ({ filename }) => `users/${user.id}/${filename}` },
      })
      expect([answer.status, names]).toEqual([400, []])
      expect((await post([file(png(10), { filename: 'undefined.png' })], {})).names).toEqual(['undefined.png'])
    })
  })

  describe('upl-8: the stored Content-Type is what the name and the first bytes say', () => {
    const svg = '<?xml version="1.0"?>\n<!-- a drawing -->\n<svg xmlns="http://www.w3.org/2000/svg"></svg>'
    test.each(
      rows<[name: string, body: string | Uint8Array, sent: string, stored: string]>([
        ['attack.png', png(100), 'text/html', 'image/png'],
        ['attack.png', '<script>alert(1)</script>', 'text/html', 'application/octet-stream'],
        ['photo.jpg', png(100), 'image/jpeg', 'application/octet-stream'],
        ['noname', png(100), 'text/html', 'image/png'],
        ['a.txt', 'plain text', 'text/html', 'text/plain'],
        ['a.txt', png(100), 'text/plain', 'application/octet-stream'],
        ['a.csv', 'BM;a;b\r\n1;2;3', 'application/vnd.ms-excel', 'text/csv'],
        ['latin.csv', Buffer.from('Köln;1', 'latin1'), 'text/csv', 'text/csv'],
        ['a.svg', svg, 'text/html', 'image/svg+xml'],
        ['a.svg', 'no drawing', 'image/svg+xml', 'application/octet-stream'],
        ['a.json', '{"a": 1}', 'text/html', 'application/json'],
        ['a.pdf', '%PDF-1.7\n%', 'text/html', 'application/pdf'],
      ]),
    )('%s', async (filename, body, type, stored) => {
      const { answer, storage, names } = await post([file(body, { filename, type })])
      expect(JSON.parse(answer.text).files[0]).toMatchObject({ contentType: stored })
      expect((await storage.stat(names[0]!)).contentType).toBe(stored)
    })

    test.each(
      rows<[name: string, body: string | Uint8Array, allow: string[], status: number]>([
        ['a.png', png(100), ['image/png'], 200],
        ['a.png', png(100), ['image/*'], 200],
        ['a.png', '<svg></svg>', ['image/*'], 415],
        ['a.html', png(100), ['image/png'], 415],
        ['a.jpg', png(100), ['image/png', 'image/jpeg'], 200],
        ['a.jpg', png(100), ['image/jpeg'], 415],
        ['a.svg', svg, ['image/*'], 415],
        ['a.svg', svg, ['image/svg+xml'], 200],
        ['a.csv', 'a;b', ['text/csv'], 200],
        ['a.csv', Buffer.from([0, 1, 2]), ['text/csv'], 415],
        ['a.txt', 'text', ['text/*'], 200],
        ['a.html', '<b>', ['text/*'], 415],
        ['a.exe', Buffer.from('MZ\x90\0\x03', 'latin1'), ['image/*', 'application/pdf'], 415],
        ['a.png', '', ['image/png'], 415],
      ]),
    )('%s with bytes %o and allow %j is answered with %i', async (filename, body, allow, status) => {
      const { answer, names } = await post([file(body, { filename })], { field: { allow } })
      expect([status < 300 ? answer.status < 300 : answer.status, names.length]).toEqual([
        status < 300 || status,
        status < 300 ? 1 : 0,
      ])
    })
  })

  describe('upl-9: the original name', () => {
    const named = (head: string): Part =>
      file(png(10), { head: `Content-Disposition: form-data; name="file"; ${head}` })
    const raw = (text: string): string => Buffer.from(text).toString('latin1')
    test.each(
      rows<[what: string, head: string, original: string, stored: string]>([
        ['filename* wins after filename', `filename="x.png"; filename*=UTF-8''caf%C3%A9.png`, 'café.png', 'café.png'],
        ['filename* wins before filename', `filename*=UTF-8''caf%C3%A9.png; filename="x.png"`, 'café.png', 'café.png'],
        ['filename* alone', `filename*=UTF-8'de'K%C3%B6ln.png`, 'Köln.png', 'Köln.png'],
        ['raw UTF-8', `filename="${raw('日本.png')}"`, '日本.png', '日本.png'],
        ['what is not UTF-8 is Latin-1', 'filename="K\xf6ln.png"', 'Köln.png', 'Köln.png'],
        ['a path of Windows', 'filename="C:\\fakepath\\a b.png"', 'a b.png', 'a_b.png'],
        ['a path out of the folder', 'filename="../../.ssh/authorized_keys"', 'authorized_keys', 'authorized_keys'],
        ['a hidden file', 'filename=".htaccess"', '.htaccess', 'htaccess'],
        ['nothing that can be used', 'filename="?"', '?', 'file'],
        [
          'a name that is too long',
          `filename="${'a'.repeat(500)}.png"`,
          `${'a'.repeat(500)}.png`,
          `${'a'.repeat(196)}.png`,
        ],
        ['a quote', 'filename="a%22b.png"', 'a"b.png', 'ab.png'],
      ]),
    )('%s', async (_, head, original, stored) => {
      const { answer, names } = await post([named(head)])
      expect([JSON.parse(answer.text).files?.[0]?.originalName, names]).toEqual([original, [stored]])
    })
  })

  test('limits of counts are answered with 413, and nothing stays', async () => {
    const fields = (count: number): Part[] => Array.from({ length: count }, (_, at) => ({ name: `f${at}`, body: 'x' }))
    const cases: [Part[], Serving['limits']][] = [
      [[file(png(10)), ...fields(4)], { fields: 3 }],
      [[file(png(10)), file(png(10), { name: 'other' })], { files: 1 }],
      [[file(png(10)), ...fields(3)], { parts: 3 }],
      [[file(png(10)), { name: 'f', body: 'x'.repeat(101) }], { fieldSize: 100 }],
      [[file(png(10)), { name: 'f'.repeat(51), body: 'x' }], { fieldNameSize: 50 }],
    ]
    for (const [parts, limits] of cases) {
      const { answer, names } = await post(parts, { limits: limits! })
      expect([limits, answer.status, names]).toEqual([limits, countStatus(), []])
    }
  })

  test('files are returned in the order of the form, whichever is stored first', async () => {
    const storage = new MemoryStorage()
    const save = storage.save.bind(storage)
    const { promise: others, resolve } = Promise.withResolvers<void>()
    storage.save = async (...args) => {
      // Adapters with a parser of their own store one file after the other.
      if (args[0] === 'first.png' && !ownParser) await others
      const name = await save(...args)
      if (name === 'third.png') resolve()
      return name
    }
    const server = await start({ storage, field: { maxCount: 3 } })
    running.push(server)
    const names = ['first.png', 'second.png', 'third.png']
    const answer = (await send(server.port, formOf(...names.map(filename => file(png(10), { filename })))))!
    expect(JSON.parse(answer.text).files.map(({ name }: { name: string }) => name)).toEqual(names)
  })

  test.each(['base64', 'Quoted-Printable'])(
    'bytes in the encoding %s are refused, not stored as they are',
    async encoding => {
      const head = `Content-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Transfer-Encoding: ${encoding}`
      const { answer, names } = await post([file('aGVsbG8=', { head })])
      expect([answer.status, names]).toEqual([400, []])
      const binary = await post([file('hello', { head: head.replace(encoding, 'binary') })])
      expect(binary.names).toEqual(['a.txt'])
    },
  )

  test('an empty file input is no file', async () => {
    const { answer, names } = await post([file('', { filename: '', type: 'application/octet-stream' })])
    expect([JSON.parse(answer.text).files, names]).toEqual([[], []])
  })
})

async function namesIn(storage: MemoryStorage): Promise<string[]> {
  const names: string[] = []
  for await (const entry of storage.entries('', { recursive: true })) names.push(entry.name)
  return names
}
