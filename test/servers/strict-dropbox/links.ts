/** Links that need no token: temporary ones to read and to write, and shared ones. */
import { randomBytes } from 'node:crypto'
import { jsonAnswer } from '../strict/answer.ts'
import type { DropboxAnswer, OperationContext } from './context.ts'
import { bytesAnswer } from './download.ts'
import { badInput, DropboxError, endpointError, PathProblem, type Tagged, within } from './errors.ts'
import type { CommitInfo, pathArg, shareArg, sharedLinksArg, uploadLinkArg } from './fields.ts'
import { fileMetadata, timeText } from './metadata.ts'
import { fileAt, nodeAt } from './paths.ts'
import type { Read } from './schema.ts'
import type { FileNode, FolderNode, Node, Revision } from './tree.ts'
import { commit } from './write.ts'

interface TemporaryLink {
  readonly name: string
  readonly revision: Revision
  readonly expires: number
}

interface UploadLink {
  readonly base: FolderNode
  readonly info: CommitInfo
  readonly expires: number
  consumed: boolean
}

interface SharedLink {
  readonly url: string
  readonly node: Node
  readonly expires: number | undefined
}

/** All links that were given. */
export class LinkList {
  readonly temporary: Map<string, TemporaryLink> = new Map()
  readonly uploads: Map<string, UploadLink> = new Map()
  /** By the ids of what they share. */
  readonly shared: Map<string, SharedLink> = new Map()
}

const HOURS_4 = 4 * 3600 * 1000

function origin({ request }: OperationContext): string {
  return `http://${request.headers['host'] ?? ''}`
}

/** `files/get_temporary_link`. */
export function temporaryLink(context: OperationContext, { path }: Read<typeof pathArg>): DropboxAnswer {
  const { state, base } = context
  const { node, revision } = within('path', () => fileAt(context, path))
  const id = randomBytes(80).toString('base64url')
  state.links.temporary.set(id, { name: node.name, revision, expires: state.now() + HOURS_4 })
  return jsonAnswer({ metadata: fileMetadata(base, node, revision), link: `${origin(context)}/dl/apitl/1/${id}` })
}

/** `files/get_temporary_upload_link`. */
export function temporaryUploadLink(context: OperationContext, arg: Read<typeof uploadLinkArg>): DropboxAnswer {
  const { state, base } = context
  const id = randomBytes(12).toString('base64url')
  const expires = state.now() + arg.duration * 1000
  state.links.uploads.set(id, { base, info: arg.commit_info, expires, consumed: false })
  return jsonAnswer({ link: `${origin(context)}/content/apitul/1/${id}` })
}

const TYPES: Readonly<Record<string, string>> = {
  txt: 'text/plain; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json',
  png: 'image/png',
  jpg: 'image/jpeg',
  pdf: 'application/pdf',
}

/** 400 for a token where none belongs: a link may be on any host. */
function refuseToken({ request }: OperationContext): void {
  if (request.headers['authorization'] !== undefined) throw badInput('A link takes no Authorization header.')
}

/** GET and HEAD of a temporary link: 410 after four hours. */
export function readLink(context: OperationContext): DropboxAnswer {
  const { state, request } = context
  refuseToken(context)
  const link = state.links.temporary.get(request.path.slice('apitl/1/'.length))
  if (link === undefined) throw new DropboxError(404, 'not_found', 'Not Found', { form: 'text' })
  if (link.expires <= state.now()) throw new DropboxError(410, 'gone', 'Gone', { form: 'text' })
  return fileAnswer(context, link.name, link.revision)
}

function fileAnswer({ request }: OperationContext, name: string, revision: Revision): DropboxAnswer {
  const extension = /\.([^.]+)$/.exec(name.toLowerCase())?.[1] ?? ''
  return bytesAnswer(request, revision, {
    'content-type': TYPES[extension] ?? 'application/binary',
    'content-disposition': `inline; filename*=UTF-8''${encodeURIComponent(name)}`,
    'cache-control': 'max-age=60',
  })
}

/** POST to a temporary link: once, and with an answer that hides why it failed. */
export function writeLink(context: OperationContext): DropboxAnswer {
  const { state, request } = context
  refuseToken(context)
  const link = state.links.uploads.get(request.path.slice('apitul/1/'.length))
  if (link === undefined) throw plain(409, 'The temporary upload link does not exist.')
  if (link.consumed) throw plain(410, 'Temporary upload link has been recently consumed.')
  if (link.expires <= state.now()) throw plain(410, 'The temporary upload link has expired.')
  const type = request.headers['content-type'] ?? ''
  if (!/^(application\/octet-stream|text\/plain)(;|$)/.test(type))
    throw badInput(`Bad HTTP "Content-Type" header: "${type}".`)
  try {
    const file = commit({ ...context, base: link.base }, request.body, link.info)
    link.consumed = true
    return jsonAnswer({ 'content-hash': file.revision.contentHash })
  } catch (error) {
    if (error instanceof PathProblem) throw plain(409, 'The upload failed.')
    throw error
  }
}

function plain(status: number, text: string): DropboxError {
  return new DropboxError(status, 'link', text, { form: 'text' })
}

function sharedMetadata(base: FolderNode, { url, node, expires }: SharedLink): Tagged {
  const own = node.kind === 'file' ? fileFields(base, node) : { name: node.name, id: node.id }
  const permissions = {
    can_revoke: true,
    resolved_visibility: { '.tag': 'public' },
    requested_visibility: { '.tag': 'public' },
    visibility_policies: [],
    can_set_expiry: false,
    can_remove_expiry: false,
    allow_download: true,
    can_allow_download: true,
    can_disallow_download: false,
  }
  const until = expires === undefined ? {} : { expires: timeText(expires) }
  return { '.tag': node.kind, url, ...own, ...until, link_permissions: permissions }
}

function fileFields(base: FolderNode, node: FileNode): Readonly<Record<string, unknown>> {
  const { name, id, path_lower, client_modified, server_modified, rev, size } = fileMetadata(base, node)
  return { name, id, path_lower, client_modified, server_modified, rev, size }
}

/** `sharing/create_shared_link_with_settings`: one link for each file. */
export function createSharedLink(context: OperationContext, { path, settings }: Read<typeof shareArg>): DropboxAnswer {
  const { state, base } = context
  const node = within('path', () => nodeAt(context, path))
  const found = state.links.shared.get(node.id)
  if (found !== undefined) {
    const known = { '.tag': 'metadata', metadata: sharedMetadata(base, found) }
    throw endpointError({ '.tag': 'shared_link_already_exists', shared_link_already_exists: known })
  }
  const id = randomBytes(10).toString('hex')
  const key = randomBytes(12).toString('hex')
  const url = `${origin(context)}/dl/scl/fi/${id}/${encodeURIComponent(node.name)}?rlkey=${key}&dl=0`
  const link = { url, node, expires: settings?.expires }
  state.links.shared.set(node.id, link)
  return jsonAnswer(sharedMetadata(base, link))
}

/** `sharing/list_shared_links`. */
export function listSharedLinks(context: OperationContext, arg: Read<typeof sharedLinksArg>): DropboxAnswer {
  const { state, base } = context
  const { path } = arg
  const all = [...state.links.shared.values()]
  if (path === undefined) {
    return jsonAnswer({ links: all.map(link => sharedMetadata(base, link)), has_more: false, cursor: 'AAEnd' })
  }
  const node = within('path', () => nodeAt(context, path))
  const links = all.filter(link => link.node === node || (arg.direct_only !== true && isAbove(link.node, node)))
  return jsonAnswer({ links: links.map(link => sharedMetadata(base, link)), has_more: false })
}

function isAbove(folder: Node, node: Node): boolean {
  for (let at: Node | undefined = node.parent; at !== undefined; at = at.parent) if (at === folder) return true
  return false
}

/** GET of a shared link: a page with `dl=0`, the file with `dl=1` or `raw=1`. */
export function readSharedLink(context: OperationContext): DropboxAnswer {
  const { state, request } = context
  refuseToken(context)
  const key = request.query['rlkey'] ?? ''
  const link = [...state.links.shared.values()].find(({ url }) => url.includes(`/${request.path}?rlkey=${key}&`))
  if (link === undefined || state.space.nodes.get(link.node.id) === undefined) {
    throw new DropboxError(404, 'not_found', 'Not Found', { form: 'text' })
  }
  const isBytes = request.query['dl'] === '1' || request.query['raw'] === '1'
  if (!isBytes || link.node.kind === 'folder') {
    return {
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: '<!DOCTYPE html><title>Dropbox</title>',
    }
  }
  return fileAnswer(context, link.node.name, link.node.revision)
}
