/** The listing of a folder, page by page. */
import { document, element } from '../strict/xml.ts'
import { needRight } from './acl.ts'
import type { AtmosContext, StrictAnswer } from './context.ts'
import { AtmosError, NAMESPACE } from './errors.ts'
import { needFolder } from './lookup.ts'
import { only, systemTags, tagNames, userTags } from './metadata.ts'
import { type AtmosNode, compareNames } from './tree.ts'

/** GET of a folder. */
export function listDirectory(context: AtmosContext): StrictAnswer {
  const { request, state } = context
  const { headers } = request
  const folder = needFolder(context)
  needRight(context, folder, 'READ')
  const all = [...folder.children.values()].toSorted((a, b) => compareNames(a.name, b.name))
  const start = startOf(context, all)
  const most = Math.min(limitOf(headers['x-emc-limit']), state.options.pageSize ?? 1000)
  const page = all.slice(start, start + most)
  const next = all[start + most]
  const list = page.map(node => entry(context, node)).join('')
  const told: Record<string, string> = { 'content-type': 'text/xml' }
  if (next !== undefined) told['x-emc-token'] = tokenOf(context, next.name)
  const body = document('ListDirectoryResponse', `<DirectoryList>${list}</DirectoryList>`, NAMESPACE)
  return { status: 200, headers: told, body }
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new AtmosError(1002, 'x-emc-limit is not valid.')
  return Number(text)
}

function tokenOf({ state }: AtmosContext, name: string): string {
  if (state.options.namesAsTokens) return encodeURIComponent(name)
  return `t1.${Buffer.from(name).toString('base64url')}`
}

/** Where a page begins: the entry that its token is for, or the one after it where that is gone. */
function startOf(context: AtmosContext, all: readonly AtmosNode[]): number {
  const token = context.request.headers['x-emc-token']
  if (token === undefined) return 0
  const isName = context.state.options.namesAsTokens === true
  if (!isName && !/^t1\.[A-Za-z0-9_-]+$/.test(token)) throw new AtmosError(1037)
  const name = isName ? decodeURIComponent(token) : Buffer.from(token.slice(3), 'base64url').toString()
  const at = all.findIndex(node => compareNames(node.name, name) >= 0)
  return at === -1 ? all.length : at
}

function entry({ request }: AtmosContext, node: AtmosNode): string {
  const { headers } = request
  const first = element('ObjectID', node.id) + element('FileType', node.type) + element('Filename', node.name)
  const flag = headers['x-emc-include-meta']
  if (flag !== undefined && flag !== '0' && flag !== '1') throw new AtmosError(1002, 'x-emc-include-meta is 0 or 1.')
  if (flag !== '1') return `<DirectoryEntry>${first}</DirectoryEntry>`
  // With a list of tags of one kind, those of the other kind are left out.
  const [system, user] = [tagNames(headers, 'x-emc-system-tags'), tagNames(headers, 'x-emc-user-tags')]
  const isFiltered = system !== undefined || user !== undefined
  const pair = ([name, value]: [string, string], more = ''): string =>
    `<Metadata>${element('Name', name)}${element('Value', value)}${more}</Metadata>`
  const systems = only(systemTags(node), system ?? (isFiltered ? [] : undefined)).map(each => pair(each))
  const users = [false, true].flatMap(listable =>
    only(userTags(node, listable), user ?? (isFiltered ? [] : undefined)).map(each =>
      pair(each, element('Listable', listable)),
    ),
  )
  const systemList = `<SystemMetadataList>${systems.join('')}</SystemMetadataList>`
  const userList = `<UserMetadataList>${users.join('')}</UserMetadataList>`
  return `<DirectoryEntry>${first}${systemList}${userList}</DirectoryEntry>`
}
