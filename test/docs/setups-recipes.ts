/** What the programs of `docs/recipes` need and do not show: a client that uploads, and looks at what was stored. */
import type { Setup } from './setups.ts'

const CLIENT = `
import { equal, match, ok } from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
const ORIGIN = 'http://127.0.0.1:' + process.env.PORT
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
function formOf(field: string, name: string, content: Uint8Array | string, type: string): FormData {
  const form = new FormData()
  form.set('title', 'A title')
  form.set('album', 'may')
  form.set(field, new File([content as BlobPart], name, { type }))
  return form
}
async function post(path: string, body: FormData): Promise<Response> {
  for (let tries = 0; ; tries++) {
    try {
      return await fetch(ORIGIN + path, { method: 'POST', body })
    } catch (error) {
      // The server is about to listen.
      if (tries === 100) throw error
      await wait(20)
    }
  }
}`

/** A picture is stored, and read back by its URL where the program serves it; text by the name of a picture is refused, and leaves nothing. */
const pictures = (storage: string, isServed: boolean): string => `${CLIENT}
const stored = await post('/avatar', formOf('avatar', '../../me.png', PNG, 'image/png'))
const told = await stored.json()
const [answer] = [told].flat() as Array<{ name: string; url: string; title?: string }>
equal(stored.status, 201, JSON.stringify(told))
match(answer!.name, /^avatars\\/\\d{4}\\/me\\.png$/)
ok((await ${storage}.readBytes(answer!.name)).equals(PNG))
${isServed ? 'equal(Buffer.compare(Buffer.from(await (await fetch(ORIGIN + answer!.url)).arrayBuffer()), PNG), 0)' : ''}
const refused = await post('/avatar', formOf('avatar', 'me2.png', 'text', 'image/png'))
equal(refused.status, 415, await refused.text())
const large = await post('/avatar', formOf('avatar', 'me3.png', Buffer.concat([PNG, Buffer.alloc(5_000_001)]), 'image/png'))
equal(large.status, 413)
const names: string[] = []
for await (const { name } of ${storage}.entries('', { recursive: true })) names.push(name)
equal(names.join(), answer!.name)`

export const RECIPE_SETUPS: Readonly<Record<string, Setup>> = {
  'docs/recipes/browser-uploads.md': {
    env: { URL_SECRET: 'a secret of more than 16 bytes' },
    end: `${CLIENT}
const name = await uploadFile(new File([PNG], 'a.png', { type: 'image/png' }))
match(name, /^photos\\/[-0-9a-f]{36}\\.png$/)
ok((await defaultStorage.readBytes(name)).equals(PNG))
const refusals: string[] = []
const tooLarge = new File([Buffer.alloc(5_000_001)], 'b.png', { type: 'image/png' })
for (const file of [tooLarge, new File(['a'], 'a.html', { type: 'text/html' })]) {
  await uploadFile(file).catch(error => refusals.push(error.message))
}
equal(refusals.join(), 'The upload failed: 413,/uploads: 415')
const page = { origin: 'http://localhost:5173', 'access-control-request-method': 'PUT' }
const preflight = await fetch(ORIGIN + '/media/inbox/a', { method: 'OPTIONS', headers: page })
equal(preflight.headers.get('access-control-allow-origin'), page.origin)`,
  },
  'docs/recipes/minio-r2.md': {
    inside: `
import { startStrictS3 } from '../../servers/strict-s3.ts'
const server = await startStrictS3({ buckets: [], region: 'us-east-1' })
process.env['AWS_S3_ENDPOINT_URL'] = server.url.replace('127.0.0.1', 'localhost')
process.env['AWS_S3_REGION_NAME'] = server.region
process.env['AWS_ACCESS_KEY_ID'] = server.credentials.accessKeyId
process.env['AWS_SECRET_ACCESS_KEY'] = server.credentials.secretAccessKey`,
    end: `
import { equal } from 'node:assert/strict'
equal(await response.text().catch(() => response.status), 200)`,
  },
  'docs/recipes/testing.md': { goesOn: true },
  'docs/recipes/express.md': {
    end: `${pictures('defaultStorage', true)}
const film = await post('/film', formOf('film', 'a.mp4', Buffer.from('\\0\\0\\0\\x18ftypisom\\0\\0\\0\\0isommp42', 'latin1'), 'video/mp4'))
equal(JSON.stringify(await film.json()), '{"name":"films/a.mp4","title":"A title"}')
equal(await defaultStorage.size('films/a.mp4'), 24)
const text = await post('/film', formOf('film', 'b.mp4', 'film', 'video/mp4'))
equal(text.status, 415)`,
  },
  'docs/recipes/fastify.md': { end: pictures("storages.get('media')", false) },
  'docs/recipes/hono.md': { end: pictures('defaultStorage', true) },
  'docs/recipes/nestjs.md': { end: pictures("app.get<Storage>('HoldallStorage:media')", false) },
  'docs/recipes/next.md': {
    inside: `
import { S3Storage as S3 } from 'holdall/s3'
import { startStrictS3 } from '../../servers/strict-s3.ts'
import { served } from '../served.ts'
const server = await startStrictS3()
const { accessKeyId: accessKey, secretAccessKey: secretKey } = server.credentials
const S3Storage = served(S3, { endpointUrl: server.url, regionName: server.region, accessKey, secretKey })`,
    end: `${pictures('defaultStorage', false).replace(/return await fetch\([^\n]*\)/, "return await POST(new Request(ORIGIN + path, { method: 'POST', body }))")}
equal((await fetch(answer!.url)).status, 200)`,
  },
  'docs/recipes/request.md': {
    end: `${CLIENT}
const form = formOf('photos', 'a.png', PNG, 'image/png')
form.append('photos', new File([PNG], 'b.png', { type: 'image/png' }))
const stored = await post('/', form)
equal(JSON.stringify(await stored.json()), '["/media/albums/may/a.png","/media/albums/may/b.png"]')
const refused = await post('/', formOf('photos', 'a.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml'))
equal(refused.status, 415)
equal((await defaultStorage.listdir('albums/may'))[1].length, 2)`,
  },
}
