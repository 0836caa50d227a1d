// Takes uploads by forms and by streams, and serves them: `node examples/upload-server.ts`, then
//   curl -F file=@photo.jpg localhost:8000/upload
//   curl -T film.mp4 localhost:8000/upload/film.mp4
import { createServer } from 'node:http'
import { isStorageError, LocalStorage, type Storage } from 'holdall'
import { createFileHandler, toNodeListener } from 'holdall/serve'

const MAX_FORM_BYTES = 10_000_000
const MAX_STREAM_BYTES = 5_000_000_000

/** Answers a web `Request` with a `Response`. Hono, Bun and Deno can use this function directly. */
export function uploads(storage: Storage): (request: Request) => Promise<Response> {
  const files = createFileHandler(storage, { basePath: '/media' })
  return async request => {
    const { pathname } = new URL(request.url)
    try {
      if (request.method === 'POST' && pathname === '/upload') return await saveForm(storage, request)
      if (request.method === 'PUT' && pathname.startsWith('/upload/')) return await saveBody(storage, request, pathname)
    } catch (error) {
      if (isStorageError(error, 'too_large')) return Response.json({ error: error.message }, { status: 413 })
      if (isStorageError(error, 'suspicious_name', 'aborted')) return new Response(null, { status: 400 })
      return Response.json({ error: 'The upload failed.' }, { status: 500 })
    }
    return files(request)
  }
}

/** A form is read into memory, so its `Content-Length` is required and limited. */
async function saveForm(storage: Storage, request: Request): Promise<Response> {
  if (!(Number(request.headers.get('content-length') ?? 'none') <= MAX_FORM_BYTES)) {
    return new Response(null, { status: 413 })
  }
  const file = (await request.formData()).get('file')
  if (!(file instanceof File)) return new Response(null, { status: 400 })
  return created(storage, await storage.save(`forms/${storage.getValidName(file.name)}`, file))
}

/** Streams the body to the storage. If the client disconnects, no file is left. */
async function saveBody(storage: Storage, request: Request, pathname: string): Promise<Response> {
  const wanted = decodeURIComponent(pathname.slice('/upload/'.length))
  const { signal } = request
  const name = await storage.save(storage.generateFilename(wanted), request.body ?? '', {
    maxSize: MAX_STREAM_BYTES,
    signal,
  })
  return created(storage, name)
}

async function created(storage: Storage, name: string): Promise<Response> {
  const url = await storage.url(name)
  return Response.json({ name, url }, { status: 201, headers: { location: url } })
}

if (import.meta.main) {
  const storage = new LocalStorage({ location: 'uploads', baseUrl: '/media/' })
  createServer(toNodeListener(uploads(storage))).listen(8000)
}
