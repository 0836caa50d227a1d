/** The application on other storages, by settings alone, and after a restart. */
import { readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { openDatabase } from '../../examples/resumes/database.ts'
import { Resumes } from '../../examples/resumes/resumes.ts'
import { startServer } from '../../examples/resumes/server.ts'
import { configure } from '../../src/index.ts'
import { temporaryFolder } from '../backends/local/fixture.ts'
import { SERVICES } from './resumes/services.ts'
import { draftBegun, filesBelow, formOf, PDF, png, type Sent, startSite } from './resumes/site.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  configure({})
})

test.each(Object.keys(SERVICES))('%s, by environment variables alone', async title => {
  using folder = temporaryFolder()
  const service = await SERVICES[title]!()
  try {
    for (const [name, value] of Object.entries({ ...service.env, RESUMES_DATA: folder.path })) vi.stubEnv(name, value)
    const app = await startServer({ port: 0, host: '127.0.0.1', data: folder.path })
    const post = (path: string, fields: Record<string, string | Sent> = {}): Promise<Response> =>
      fetch(new URL(path, app.url), { method: 'POST', body: formOf(fields), redirect: 'manual' })
    try {
      const picture = png(30, 40)
      expect(
        (await post('/resumes', { person: 'Ada', pdf: ['cv.pdf', PDF], photos: ['me.png', picture] })).status,
      ).toBe(303)
      expect((await post('/resumes', { person: 'Grace', pdf: ['cv.pdf', `${PDF} too`] })).status).toBe(303)
      expect(service.names().sort()).toEqual([
        'pdfs/cv.pdf',
        expect.stringMatching(/^pdfs\/cv_\w{7}\.pdf$/),
        'photos/me.png',
      ])
      const answer = await fetch(app.url)
      const page = await answer.text()
      const url = /<img src="([^"]+)" width="30" height="40"/.exec(page)![1]!.replaceAll('&amp;', '&')
      expect(answer.headers.get('content-security-policy')).toContain(`img-src 'self' ${new URL(url).origin};`)
      const shown = await fetch(url)
      expect([shown.headers.get('content-type'), Buffer.from(await shown.arrayBuffer())]).toEqual([
        'image/png',
        picture,
      ])
      const opened = await fetch(new URL('/resumes/1/pdf', app.url))
      expect([opened.redirected, new URL(opened.url).search]).toEqual([true, expect.stringMatching(/sig/i)])
      expect([opened.headers.get('content-type'), await opened.text()]).toEqual(['application/pdf', PDF])
      const trick: Record<string, string | Sent> = { person: 'Ada', pdf: ['new.pdf', PDF], photos: ['a.png', '<svg>'] }
      expect((await post('/resumes/1', trick)).status).toBe(415)
      expect(service.names()).toHaveLength(3)
      expect((await post('/resumes/1', { person: 'Ada', pdf: ['new.pdf', `${PDF}!`] })).status).toBe(303)
      expect((await post('/resumes/2/delete')).status).toBe(303)
      expect(service.names().sort()).toEqual(['pdfs/new.pdf', 'photos/me.png'])
      expect((await post('/resumes/1/delete')).status).toBe(303)
      expect([service.names(), filesBelow(`${folder.path}/media`)]).toEqual([[], []])
    } finally {
      await app.close()
    }
  } finally {
    await service.close()
  }
})

test('a storage that has no URLs is served by the application', async () => {
  await using site = await startSite({ STORAGES: { default: { BACKEND: 'memory' } } })
  await site.add('Ada', ['über mich.pdf', PDF], ['me.png', png(3, 4)])
  expect(await (await site.get('/')).text()).toContain('<img src="/media/photos/me.png"')
  const pdf = await site.get('/resumes/1/pdf')
  expect([new URL(pdf.url).pathname, await pdf.text()]).toEqual(['/media/pdfs/%C3%BCber_mich.pdf', PDF])
})

test('resumes are there after a restart, with their files', async () => {
  using folder = temporaryFolder()
  vi.stubEnv('RESUMES_DATA', folder.path)
  const options = { port: 0, host: '127.0.0.1', data: folder.path }
  const before = await startServer(options)
  const body = formOf({ person: 'Ada', pdf: ['cv.pdf', PDF], photos: ['me.png', png(3, 4)] })
  expect((await fetch(`${before.url}resumes`, { method: 'POST', body })).status).toBe(200)
  await before.close()
  const after = await startServer(options)
  try {
    expect(await (await fetch(after.url)).text()).toContain('<h3>Ada</h3>')
    expect(await (await fetch(`${after.url}resumes/1/pdf`)).text()).toBe(PDF)
    expect((await fetch(`${after.url}resumes/1/delete`, { method: 'POST' })).status).toBe(200)
    expect(filesBelow(`${folder.path}/media`)).toEqual([])
  } finally {
    await after.close()
  }
})

test('an application that ends during an upload leaves nothing of it', async () => {
  using folder = temporaryFolder()
  vi.stubEnv('RESUMES_DATA', folder.path)
  const app = await startServer({ port: 0, host: '127.0.0.1', data: folder.path })
  const begun = draftBegun()
  const { save } = Resumes.prototype
  const ended = vi.fn()
  vi.spyOn(Resumes.prototype, 'save').mockImplementation(async function (this: Resumes, ...given) {
    try {
      return await save.apply(this, given)
    } finally {
      for (let turns = 0; turns < 50; turns++) await setImmediate()
      ended()
    }
  })
  const headers = { 'content-type': 'multipart/form-data; boundary=b' }
  const sent = httpRequest(`${app.url}resumes`, { method: 'POST', headers })
  sent.on('error', () => {})
  sent.write('--b\r\ncontent-disposition: form-data; name="pdf"; filename="half.pdf"\r\n\r\n%PDF-1.7\n')
  await begun
  await app.close()
  expect(ended).toHaveBeenCalledOnce()
  expect(filesBelow(folder.path)).toEqual(['resumes.db'])
})

test('signed URLs of the local disk open the files, and no others do', async () => {
  vi.stubEnv('HOLDALL_URL_SECRET', 'a secret of the tests')
  await using site = await startSite()
  await site.add('Ada', undefined, ['me.png', png(3, 4)])
  const pdf = await site.get('/resumes/1/pdf')
  expect([pdf.status, await pdf.text()]).toEqual([200, PDF])
  expect((await site.get('/media/pdfs/cv.pdf')).status).toBe(403)
  expect((await site.get('/app.css')).status).toBe(200)
})

test('the model’s storage is the one that the settings name when it is first used', () => {
  using folder = temporaryFolder()
  const resumes = new Resumes(openDatabase(folder.path))
  configure({ STORAGES: { default: { BACKEND: 'memory' } } })
  expect(resumes.model.fields.pdf.storage.constructor.name).toBe('MemoryStorage')
  expect(resumes.model.attach('pdf', null).isEmpty).toBe(true)
  resumes.close()
})

test('the page about the application names each of its files, and the variables that were tried here', async () => {
  const folder = new URL('../../examples/resumes/', import.meta.url)
  const page = readFileSync(new URL('../../docs/resumes.md', import.meta.url), 'utf8')
  const files = readdirSync(folder).filter(name => name.endsWith('.ts'))
  expect(files.length).toBeGreaterThan(10)
  for (const name of files) expect(page).toContain(`\`${name}\``)
  for (const name of ['DEFAULT_FILE_STORAGE', 'AWS_STORAGE_BUCKET_NAME', 'AZURE_CONNECTION_STRING', 'GS_CREDENTIALS'])
    expect(page).toContain(`${name}=`)
  expect(page).toContain('](images/resumes.png)')
})
