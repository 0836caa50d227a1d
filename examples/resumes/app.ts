import { isStorageError, LocalStorage, storages } from 'holdall'
import { createFileHandler } from 'holdall/serve'
import type { Draft } from './draft.ts'
import { type FileColumn, TAKEN, urlOf } from './files.ts'
import { readForm, readRest } from './form.ts'
import { checkOrigin, pageHeaders, privateFile } from './guard.ts'
import { type Notice, type PageState, page } from './page.ts'
import { Refusal } from './refusal.ts'
import type { Resumes } from './resumes.ts'

/** How the application is set up. */
export interface AppOptions {
  /** Names of hosts that it answers for; default those of this machine. */
  readonly allowedHosts?: readonly string[] | undefined
}

/** Requests in, answers out: for `toNodeListener`, Hono, Bun or Deno. */
export type App = (request: Request) => Promise<Response>

/** Style sheet, script and icon. */
const PUBLIC = `${import.meta.dirname}/public`

/** The application over a table of resumes. */
export function createApp(resumes: Resumes, { allowedHosts }: AppOptions = {}): App {
  const assets = createFileHandler(new LocalStorage({ location: PUBLIC, urlSecret: null, readOnly: true }), {
    trusted: true,
  })
  const media = createFileHandler(storages.default, { basePath: '/media' })

  async function show(status: number, state: PageState = {}): Promise<Response> {
    const list = await Promise.all(
      resumes.list().map(async resume => ({
        ...resume,
        photoUrl: resume.photos.isEmpty ? undefined : await urlOf(resume.photos),
      })),
    )
    const origins = list.flatMap(({ photoUrl }) => (photoUrl && URL.parse(photoUrl)?.origin) || [])
    return new Response(page(list, state).text, { status, headers: pageHeaders(origins) })
  }

  /** Reads a form into a row. */
  async function save(request: Request, id?: number): Promise<number> {
    const fill = async (draft: Draft): Promise<void> => {
      const fields = await readForm(request, async (column, filename, content) => {
        if (Object.hasOwn(TAKEN, column)) await draft.file(column as FileColumn, filename, content)
      })
      const person = fields.get('person')?.trim() ?? ''
      // SQLite measures a text to its first NUL.
      if (person === '' || person.length > 100 || person.includes('\0'))
        throw new Refusal(422, 'Enter a name of 100 characters at most.')
      if (id === undefined && draft.values['pdf'] === undefined)
        throw new Refusal(422, 'Choose the resume, a PDF file.')
      draft.values['person'] = person
    }
    return found(await resumes.save(id, fill, request.signal))
  }

  async function change(request: Request, path: string): Promise<Response> {
    const [, list, id = '', action = ''] =
      /^\/(resumes)(?:\/(\d{1,15}))?(?:\/(delete|photos\/delete))?$/.exec(path) ?? []
    if (list === undefined || (id === '' && action !== '')) throw notFound()
    if (id === '') return done('added', await save(request))
    const key = Number(id)
    if (action === '') return done('changed', await save(request, key))
    if (action === 'delete') {
      if (!(await resumes.delete(key))) throw notFound()
      return done('deleted')
    }
    await found(resumes.find(key)).photos.delete({ signal: request.signal })
    return done('photo-removed', key)
  }

  async function look(request: Request, { pathname, searchParams }: URL): Promise<Response> {
    if (pathname === '/') return show(200, { notice: searchParams.get('done') as Notice | null })
    if (pathname.startsWith('/media/'))
      return isUsed(pathname)
        ? privateFile(await media(request))
        : show(404, { error: 'This file does not exist any more.' })
    const [, id] = /^\/resumes\/(\d{1,15})\/pdf$/.exec(pathname) ?? []
    // Made when it is asked for: a signed URL in a page that stays open would expire.
    if (id !== undefined) return redirect(await urlOf(found(resumes.find(Number(id))).pdf))
    // Where a browser is after a form was refused, without the script.
    if (/^\/resumes(?:\/\d+)?$/.test(pathname)) return redirect('/')
    return assets(request)
  }

  /** Only what a row names is shown, whatever else is in the storage. */
  function isUsed(pathname: string): boolean {
    try {
      return resumes.uses(decodeURIComponent(pathname.slice('/media/'.length)))
    } catch {
      return false
    }
  }

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url)
    checkOrigin(request, allowedHosts)
    if (request.method === 'GET' || request.method === 'HEAD') return look(request, url)
    if (request.method === 'POST') return change(request, url.pathname)
    return new Response(null, { status: 405, headers: { allow: 'GET, HEAD, POST' } })
  }

  /** Why a request was refused stands in the page; a program that asked for another host gets no page. */
  async function failure(error: unknown, request: Request): Promise<Response> {
    await readRest(request).catch(() => {})
    if (error instanceof Refusal)
      return error.status === 421 ? plain(error) : show(error.status, { error: error.message })
    if (!request.signal.aborted) throw error
    return new Response(null, { status: 400 })
  }

  return async request => {
    try {
      return await answer(request).catch(error => failure(error, request))
    } catch (error) {
      console.error(error)
      if (isStorageError(error))
        return plain(new Refusal(503, 'The files cannot be reached at the moment. Try again later.'))
      return plain(new Refusal(500, 'Something went wrong here. Nothing was changed.'))
    }
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw notFound()
  return value
}

function notFound(): Refusal {
  return new Refusal(404, 'This resume does not exist any more.')
}

function redirect(location: string): Response {
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } })
}

/** After a change the browser gets the list, so that going back or reloading repeats nothing. */
function done(notice: Notice, id?: number): Response {
  return redirect(`/?done=${notice}${id === undefined ? '' : `#resume-${id}`}`)
}

function plain({ status, message }: Refusal): Response {
  return new Response(`${message}\n`, { status, headers: { 'content-type': 'text/plain; charset=utf-8' } })
}
