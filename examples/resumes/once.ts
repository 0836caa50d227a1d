import { deepEqual, equal, match } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { configure, loadConfig, storages } from 'holdall'
import { findOrphans } from 'holdall/fields'
import { openDatabase } from './database.ts'
import { AppProcess, largePdf } from './once-client.ts'
import { Resumes } from './resumes.ts'

const PHOTO = readFileSync(`${import.meta.dirname}/../media/gradient.png`)
const LARGE_BYTES = 100_000_000

/** Goes through all that the application does, without a browser, and removes what it made. Any surprise is an error. */
export async function runOnce(): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'holdall-resumes-'))
  process.env['RESUMES_DATA'] = data
  const { settings, file } = await loadConfig({ cwd: import.meta.dirname })
  configure(settings, { base: file })
  const apps: AppProcess[] = []
  const start = async (): Promise<AppProcess> => {
    const app = await AppProcess.start(data)
    apps.push(app)
    return app
  }
  const resumes = new Resumes(openDatabase(data))
  try {
    await story(start, resumes)
  } finally {
    await Promise.all(apps.map(app => app.end('SIGKILL')))
    for (const { id } of resumes.list()) await resumes.delete(id)
    resumes.close()
    await storages.closeAll()
    rmSync(data, { recursive: true, force: true })
  }
}

/** The names of all files of ours in the storage. */
async function stored(): Promise<string[]> {
  const names: string[] = []
  for (const folder of ['pdfs', 'photos']) {
    for await (const { name } of storages.default.entries(folder, { recursive: true })) names.push(name)
  }
  return names.sort()
}

async function story(start: () => Promise<AppProcess>, resumes: Resumes): Promise<void> {
  const before = await stored()
  const named = (): string[] =>
    resumes.list().flatMap(({ pdf, photos }) => [pdf.name, photos.name ?? []].flat() as string[])
  /** The storage has exactly the files that rows name, besides those of others. */
  const check = async (done: string): Promise<void> => {
    deepEqual(await stored(), [...before, ...named()].sort())
    console.log(`${done}; files, all of them named by rows: ${named().length}`)
  }

  let app = await start()
  console.log(`started at ${app.url}, files in ${storages.default.constructor.name}`)

  const person = 'Ada <Lovelace>'
  const added = await app.post('/resumes', [
    { name: 'person', content: person },
    { name: 'pdf', filename: 'cv.pdf', content: largePdf(LARGE_BYTES) },
    { name: 'photos', filename: 'ada.png', content: PHOTO },
  ])
  equal(added.status, 303, await added.text())
  const [ada] = resumes.list()
  const grown = app.memoryGrowth()
  if (grown !== undefined) equal(grown < LARGE_BYTES, true, `The application took ${grown} bytes more for an upload.`)
  await check(`uploaded ${ada!.pdf.name} of ${await ada!.pdf.size()} bytes and ${ada!.photos.name}`)

  const page = await (await app.get('/')).text()
  match(page, /Ada &lt;Lovelace&gt;/)
  match(page, new RegExp(`<img src="[^"]+" width="${ada!.photosWidth}" height="${ada!.photosHeight}"`))
  const photo = /<img src="([^"]+)"/.exec(page)![1]!.replaceAll('&amp;', '&')
  deepEqual(await buffer((await app.get(photo)).body!), PHOTO)
  const pdf = await app.get(`/resumes/${ada!.id}/pdf`)
  equal(pdf.headers.get('content-type'), 'application/pdf')
  equal((await pdf.arrayBuffer()).byteLength, await ada!.pdf.size())
  console.log(`listed with a photo of ${ada!.photosWidth} x ${ada!.photosHeight}, fetched both files`)

  const path = `/resumes/${ada!.id}`
  const trick = [
    { name: 'person', content: person },
    { name: 'pdf', filename: 'cv.pdf', content: '%PDF-1.7\n' },
    { name: 'photos', filename: 'me.png', content: '<svg onload="alert(1)">' },
  ]
  equal((await app.post(path, trick)).status, 415)
  equal((await app.post(`${path}/delete`, [], { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403)
  await check('refused a drawing that calls itself a photo, and a form of another site')

  await cutOff(app, path)
  for (let wait = 0; (await stored()).length > before.length + 2 && wait < 100; wait++) await setTimeout(100)
  await check('cut off an upload')

  await app.end('SIGKILL')
  app = await start()
  match(await (await app.get('/')).text(), /Ada &lt;Lovelace&gt;/)
  await check('killed the application and started it again')

  const replaced = await app.post(path, [
    { name: 'person', content: 'Ada Lovelace' },
    { name: 'pdf', filename: 'cv.pdf', content: '%PDF-1.7\nanother one' },
    { name: 'photos', filename: 'ada again.png', content: PHOTO },
  ])
  equal(replaced.status, 303)
  const now = resumes.find(ada!.id)!
  deepEqual(await buffer(now.pdf.stream()), Buffer.from('%PDF-1.7\nanother one'))
  await check(`replaced both files by ${now.pdf.name} and ${now.photos.name}`)

  equal((await app.post(`${path}/photos/delete`)).status, 303)
  await check('removed the photo')
  equal((await app.post(`${path}/delete`)).status, 303)
  await check('deleted the resume')
  deepEqual(await stored(), before)
  await app.end()

  const stray = await storages.default.save('pdfs/left-over.pdf', '%PDF-1.7\n', { overwrite: false })
  const orphans: string[] = []
  for await (const { name } of findOrphans({ graceSecs: 0 })) orphans.push(name)
  equal(orphans.includes(stray), true)
  await storages.default.delete(stray)
  console.log(`found ${stray}, which no row names, among the orphans, and deleted it`)
}

/** Sends the beginning of an upload, and goes away. */
async function cutOff(app: AppProcess, path: string): Promise<void> {
  const gone = new AbortController()
  async function* beginning(): AsyncGenerator<Uint8Array> {
    for await (const piece of largePdf(5_000_000)) yield piece
    gone.abort()
  }
  const parts = [{ name: 'pdf', filename: 'half.pdf', content: beginning() }]
  const failed = await app.post(path, parts, { signal: gone.signal }).catch((error: unknown) => error)
  equal(failed instanceof Response, false)
}
