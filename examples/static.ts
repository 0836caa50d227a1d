/** A site's files, collected under names that change with their content. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStorage } from 'holdall'
import { FolderFinder, StaticFiles, staticUrl } from 'holdall/static'

// A small site. Yours lies in the folders of the project.
const project = await mkdtemp(join(tmpdir(), 'holdall-site-'))
await mkdir(join(project, 'assets/css'), { recursive: true })
await writeFile(join(project, 'assets/css/site.css'), '@import "base.css"; body { background: url(../back.svg) }')
await writeFile(join(project, 'assets/css/base.css'), 'a { color: red }')
await writeFile(join(project, 'assets/back.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')

const files = new StaticFiles({
  storage: new LocalStorage({ location: join(project, 'public'), baseUrl: '/static/' }),
  finders: [new FolderFinder(['assets'], { base: project })],
  manifest: true,
})

// At the deploy: every event names a file; the last one has the counts.
for await (const event of files.collect()) {
  if (event.type === 'failed') console.error(event.error.message)
  if (event.type === 'summary') console.log(`${event.copied} copied, ${event.postProcessed} with hashed names`)
}

// In the server: the manifest is read once, and then URLs are made at once.
await files.load()
const url = staticUrl(files)
console.log(`<link rel="stylesheet" href="${url('css/site.css')}">`)
console.log(await files.storage.readText(url('css/site.css').slice('/static/'.length)))

await rm(project, { recursive: true })
