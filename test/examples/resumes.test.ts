import { request as httpRequest } from 'node:http'
import { afterEach, expect, test, vi } from 'vitest'
import type { Draft } from '../../examples/resumes/draft.ts'
import { LocalStorage, MemoryStorage, type SaveOptions } from '../../src/index.ts'
import { draftBegun, errorIn, formOf, PDF, png, type Sent, startSite, textOf } from './resumes/site.ts'

afterEach(() => vi.restoreAllMocks())

const photo: Sent = ['me.png', png(30, 40)]

test('a resume is added with both files, listed, and opened', async () => {
  await using site = await startSite()
  expect(await (await site.get('/')).text()).toContain('None yet.')
  const answer = await site.post('/resumes', { person: ' Ada ', pdf: ['my cv.pdf', PDF], photos: photo })
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/?done=added#resume-1'])
  expect(site.files()).toEqual(['pdfs/my_cv.pdf', 'photos/me.png'])
  const [row] = site.resumes.list()
  expect(row).toMatchObject({ id: 1, person: 'Ada', photosWidth: 30, photosHeight: 40, photosOrientation: null })
  expect([row!.pdf.name, row!.photos.name]).toEqual(['pdfs/my_cv.pdf', 'photos/me.png'])
  const page = await (await site.get('/?done=added')).text()
  expect(page).toContain('<p id="status" role="status">The resume was added.</p>')
  expect(page).toContain('<img src="/media/photos/me.png" width="30" height="40"')
  const pdf = await site.get('/resumes/1/pdf')
  expect([pdf.url, await pdf.text()]).toEqual([`${site.origin}/media/pdfs/my_cv.pdf`, PDF])
  expect(Object.fromEntries(pdf.headers)).toMatchObject({
    'content-type': 'application/pdf',
    'content-disposition': 'inline; filename="my_cv.pdf"',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  })
  const picture = await site.get('/media/photos/me.png')
  expect(Buffer.from(await picture.arrayBuffer())).toEqual(photo[1])
})

test('a picture that is to be turned gets its place turned', async () => {
  await using site = await startSite()
  await site.add('Ada', undefined, photo)
  site.database.exec('UPDATE resumes SET photosOrientation = 6')
  expect(await (await site.get('/')).text()).toContain('<img src="/media/photos/me.png" width="40" height="30"')
})

test('what is left empty in a form stays, and replaced files go', async () => {
  await using site = await startSite()
  await site.add('Ada', undefined, photo)
  const renamed = await site.post('/resumes/1', { person: 'Ada L.', pdf: ['', ''], photos: ['', ''] })
  expect([renamed.status, renamed.headers.get('location')]).toEqual([303, '/?done=changed#resume-1'])
  expect([site.resumes.find(1)?.person, site.files()]).toEqual(['Ada L.', ['pdfs/cv.pdf', 'photos/me.png']])
  await site.post('/resumes/1', { person: 'Ada', pdf: ['new.pdf', `${PDF} again`], photos: ['wide.png', png(9, 5)] })
  expect(site.files()).toEqual(['pdfs/new.pdf', 'photos/wide.png'])
  const row = site.resumes.find(1)!
  expect([await textOf(row.pdf), row.photosWidth, row.photosHeight]).toEqual([`${PDF} again`, 9, 5])
  await site.post('/resumes/1', { person: 'Ada', pdf: ['new.pdf', PDF] })
  expect(site.files()).toEqual([expect.stringMatching(/^pdfs\/new_\w{7}\.pdf$/), 'photos/wide.png'])
})

test('a photo is removed, a resume deleted, and both are gone then', async () => {
  await using site = await startSite()
  await site.add('Ada', undefined, photo)
  expect((await site.post('/resumes/1/photos/delete')).headers.get('location')).toBe('/?done=photo-removed#resume-1')
  expect(site.files()).toEqual(['pdfs/cv.pdf'])
  expect(site.resumes.find(1)).toMatchObject({ photosWidth: null, photosHeight: null, photos: { isEmpty: true } })
  expect((await site.post('/resumes/1/photos/delete')).status).toBe(303)
  expect((await site.post('/resumes/1/delete')).headers.get('location')).toBe('/?done=deleted')
  expect([site.resumes.list(), site.files()]).toEqual([[], []])
  const paths = ['/resumes/1', '/resumes/1/delete', '/resumes/1/photos/delete']
  const form = { person: 'Ada', pdf: ['cv.pdf', PDF] } as const
  expect(await Promise.all(paths.map(async path => (await site.post(path, form)).status))).toEqual([404, 404, 404])
  expect(
    await Promise.all(['/resumes/1/pdf', '/media/pdfs/cv.pdf'].map(async path => (await site.get(path)).status)),
  ).toEqual([404, 404])
  expect(site.files()).toEqual([])
})

test('a file that another row names stays', async () => {
  await using site = await startSite()
  await site.add('Ada')
  await site.add('Grace')
  expect(site.resumes.list().map(({ person }) => person)).toEqual(['Grace', 'Ada'])
  site.database.exec(`UPDATE resumes SET pdf = 'pdfs/cv.pdf' WHERE id = 2`)
  await site.post('/resumes/1/delete')
  expect(site.files()).toContain('pdfs/cv.pdf')
  expect(await (await site.get('/resumes/2/pdf')).text()).toBe(PDF)
})

const HEADS: Record<string, string> = {
  'a.gif': 'GIF89a\x09\0\x05\0',
  'a.webp': 'RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x08\0\x01\0\0\0\0\0\0\0\0\0',
}

test.each(Object.entries(HEADS))('a photo is known by its bytes: %s', async (name, head) => {
  await using site = await startSite()
  const row = await site.add('Ada', undefined, ['photo.txt', Buffer.from(head, 'latin1')])
  expect([row.photos.name, row.photosWidth, row.photosHeight]).toEqual([`photos/photo.${name.slice(2)}`, 9, 5])
})

const form = { person: 'Ada', pdf: ['cv.pdf', PDF] as Sent }
const damaged = png(0, 5)
const refused: ReadonlyArray<readonly [string, Record<string, string | Sent>, number, string]> = [
  ['no name', { pdf: form.pdf }, 422, 'Enter a name of 100 characters at most.'],
  ['a blank name', { ...form, person: '  ' }, 422, 'Enter a name of 100 characters at most.'],
  ['a name that is too long', { ...form, person: 'x'.repeat(101) }, 422, 'Enter a name of 100 characters at most.'],
  ['a name that SQLite finds empty', { ...form, person: '\0Ada' }, 422, 'Enter a name of 100 characters at most.'],
  [
    'a file name that cannot be cut',
    { ...form, pdf: [`cv.${'x'.repeat(300)}.pdf`, PDF] },
    422,
    'The resume has a name that cannot be used.',
  ],
  ['no PDF', { person: 'Ada', pdf: ['', ''] }, 422, 'Choose the resume, a PDF file.'],
  ['an empty PDF', { person: 'Ada', pdf: ['cv.pdf', ''] }, 415, 'The file is empty.'],
  ['a page that is called PDF', { person: 'Ada', pdf: ['cv.pdf', '<script>'] }, 415, 'The resume must be a PDF file.'],
  [
    'a drawing',
    { ...form, photos: ['a.svg', '<svg onload="alert(1)">'] },
    415,
    'The photo must be a PNG, JPEG, GIF, WebP or AVIF file.',
  ],
  [
    'a PDF as a photo',
    { ...form, photos: ['a.png', PDF] },
    415,
    'The photo must be a PNG, JPEG, GIF, WebP or AVIF file.',
  ],
  ['a damaged photo', { ...form, photos: ['a.png', damaged] }, 415, 'The photo cannot be read: it is damaged.'],
  [
    'a photo that is too large',
    { ...form, photos: ['a.png', Buffer.concat([png(8, 8), Buffer.alloc(20_000_000)])] },
    413,
    'The photo is larger than 20 MB.',
  ],
]

test.each(refused)('%s is refused, and nothing is left', async (_title, fields, status, message) => {
  await using site = await startSite()
  const answer = await site.post('/resumes', fields)
  expect([answer.status, errorIn(await answer.text())]).toEqual([status, message])
  expect([site.resumes.list(), site.files()]).toEqual([[], []])
})

test('a file with a long name is stored under a shorter one', async () => {
  await using site = await startSite()
  const { pdf } = await site.add('Ada', [`${'cv'.repeat(200)}.pdf`, PDF])
  expect(pdf.name).toMatch(/^pdfs\/(cv)+c?_\w{7}\.pdf$/)
  expect(site.files()).toEqual([pdf.name])
})

test('after a refused file the others of its form are not stored', async () => {
  await using site = await startSite()
  const save = vi.spyOn(LocalStorage.prototype, 'save')
  const answer = await site.post('/resumes', { person: 'Ada', pdf: ['cv.pdf', '<script>'], photos: photo })
  expect([answer.status, save.mock.calls]).toEqual([415, []])
})

test('a storage that hangs is left when the client goes, and a row is not written for one that has gone', async () => {
  class Hanging extends MemoryStorage {
    override save(name: string, _content: unknown, { signal }: SaveOptions = {}): Promise<string> {
      begun.resolve()
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error(name))))
    }
  }
  const begun = Promise.withResolvers<void>()
  await using site = await startSite({ STORAGES: { default: { BACKEND: Hanging } } })
  const errors = vi.spyOn(console, 'error')
  const gone = new AbortController()
  const answered = site.answered()
  const request = { method: 'POST', body: formOf(form), signal: gone.signal }
  const sent = fetch(`${site.origin}/resumes`, request).catch((error: unknown) => error)
  await begun.promise
  gone.abort()
  await Promise.all([sent, answered])
  expect([site.answers[0]?.status, errors.mock.calls]).toEqual([400, []])
  const fill = async ({ values }: Draft): Promise<void> =>
    void Object.assign(values, { person: 'Ada', pdf: 'pdfs/a.pdf' })
  await expect(site.resumes.save(undefined, fill, gone.signal)).rejects.toThrow()
  expect(site.resumes.list()).toEqual([])
})

test('forms that are none are refused', async () => {
  await using site = await startSite()
  const twice = formOf(form)
  twice.append('pdf', new File([PDF], 'two.pdf'))
  const bodies: ReadonlyArray<readonly [FormData | string, Record<string, string>, number]> = [
    [twice, {}, 400],
    ['x', { 'content-type': 'text/plain' }, 415],
    ['x', { 'content-type': 'multipart/form-data; charset=x' }, 400],
    [
      '--b\r\ncontent-disposition: form-data; name="pdf"; filename="a.pdf"\r\n\r\n%PDF-1.7',
      { 'content-type': 'multipart/form-data; boundary=b' },
      400,
    ],
    ['', { 'content-type': 'multipart/form-data; boundary=b' }, 400],
  ]
  for (const [body, headers, status] of bodies) {
    const answer = await fetch(`${site.origin}/resumes`, { method: 'POST', body, headers })
    expect([answer.status, headers, await answer.text()]).toEqual([
      status,
      headers,
      expect.stringContaining('id="error"'),
    ])
  }
  expect([site.resumes.list(), site.files()]).toEqual([[], []])
  expect((await fetch(site.origin, { method: 'PUT', body: 'x' })).status).toBe(405)
  // A page that shows a refusal can be loaded again.
  expect(await Promise.all(['/resumes', '/resumes/7'].map(async path => (await site.get(path)).url))).toEqual(
    Array(2).fill(`${site.origin}/`),
  )
})

test.each(['/resumes', '/resumes/1'])('an upload to %s that is cut off leaves nothing', async path => {
  await using site = await startSite()
  await site.add('Ada')
  const headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': 1_000_000 }
  const sent = httpRequest(site.origin + path, { method: 'POST', headers })
  sent.on('error', () => {})
  const part = '--b\r\ncontent-disposition: form-data; name="pdf"; filename="half.pdf"\r\n\r\n%PDF-1.7\n'
  const begun = draftBegun()
  const errors = vi.spyOn(console, 'error')
  sent.write(part + 'x'.repeat(3_000_000))
  await begun
  const answered = site.answered()
  sent.destroy()
  await answered
  expect([site.files(), errors.mock.calls]).toEqual([['pdfs/cv.pdf'], []])
  expect(site.resumes.list().map(({ person }) => person)).toEqual(['Ada'])
})

test('files of a row that cannot be written are removed', async () => {
  await using site = await startSite()
  await site.add('Ada', undefined, photo)
  const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
  site.database.exec(`
    CREATE TRIGGER no_insert BEFORE INSERT ON resumes BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;
    CREATE TRIGGER no_update BEFORE UPDATE ON resumes BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END;
    CREATE TRIGGER no_delete BEFORE DELETE ON resumes BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;`)
  const both = { ...form, photos: photo }
  const answers = [
    await site.post('/resumes', both),
    await site.post('/resumes/1', both),
    await site.post('/resumes/1/photos/delete'),
    await site.post('/resumes/1/delete'),
  ]
  expect(answers.map(({ status }) => status)).toEqual([500, 500, 500, 500])
  expect(await answers[0]!.text()).toBe('Something went wrong here. Nothing was changed.\n')
  expect(errors.mock.calls.map(([error]) => error.message)).toEqual(Array(4).fill('the disk is full'))
  expect(site.files()).toEqual(['pdfs/cv.pdf', 'photos/me.png'])
  expect(site.resumes.list()).toMatchObject([{ pdf: { name: 'pdfs/cv.pdf' }, photos: { name: 'photos/me.png' } }])
})

test('changes of one resume at once leave exactly the files that it names', async () => {
  await using site = await startSite()
  await site.add('Ada', undefined, photo)
  const change = (at: number) =>
    site.post('/resumes/1', { person: `Ada ${at}`, pdf: ['cv.pdf', `${PDF} ${at}`], photos: photo })
  const answers = await Promise.all(Array.from({ length: 6 }, (_, at) => change(at)))
  expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(303))
  const row = site.resumes.find(1)!
  expect(site.files()).toEqual([row.pdf.name, row.photos.name])
  expect(`Ada ${(await textOf(row.pdf)).slice(PDF.length + 1)}`).toBe(row.person)
  await Promise.all([
    change(6),
    site.post('/resumes/1/photos/delete'),
    change(7),
    site.post('/resumes/1/photos/delete'),
  ])
  const { pdf, photos } = site.resumes.find(1)!
  expect(site.files()).toEqual([pdf.name, ...(photos.name === null ? [] : [photos.name])])
  const last = await Promise.all([change(8), site.post('/resumes/1/delete'), change(9)])
  expect(last.map(({ status }) => status)).toEqual([expect.any(Number), 303, expect.any(Number)])
  expect([site.resumes.list(), site.files()]).toEqual([[], []])
})
