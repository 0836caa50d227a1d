/** Metadata in headers: the user's tags, and those that the system keeps. */
import { nameOf } from './acl.ts'
import { AtmosError } from './errors.ts'
import type { AtmosNode, UserTag } from './tree.ts'

type Headers = Readonly<Record<string, string>>

/** Most tags of one node, and most bytes of a name and of a value. */
const MOST = { tags: 127, name: 255, value: 1024 }

function isEncoded(headers: Headers): boolean {
  const flag = headers['x-emc-utf8']
  if (flag !== undefined && flag !== 'true' && flag !== 'false') throw new AtmosError(1002, 'x-emc-utf8 is not valid.')
  return flag === 'true'
}

function plain(text: string, encoded: boolean): string {
  if (!encoded) return text
  try {
    return decodeURIComponent(text)
  } catch {
    throw new AtmosError(1002, 'Metadata is not encoded in UTF-8.')
  }
}

/** The pairs of a header; each comma parts two of them. */
function pairs(text: string, encoded: boolean): [string, string][] {
  return text.split(',').map(part => {
    const pair = part.trimStart()
    const at = pair.indexOf('=')
    if (at < 1) throw new AtmosError(1002, 'Metadata is not of the form name=value.')
    return [plain(pair.slice(0, at), encoded), plain(pair.slice(at + 1), encoded)]
  })
}

/** Sets the tags that the headers name; 1014 where they are too many or too long. */
export function setTags(headers: Headers, tags: Map<string, UserTag>): void {
  const encoded = isEncoded(headers)
  const next = new Map(tags)
  for (const listable of [false, true]) {
    const text = headers[listable ? 'x-emc-listable-meta' : 'x-emc-meta']
    if (text === undefined || text === '') continue
    for (const [name, value] of pairs(text, encoded)) {
      if (Buffer.byteLength(name) > MOST.name || Buffer.byteLength(value) > MOST.value) throw new AtmosError(1014)
      next.set(name, { value, listable })
    }
  }
  if (next.size > MOST.tags) throw new AtmosError(1014)
  for (const [name, tag] of next) tags.set(name, tag)
}

/** The names in a header such as `x-emc-tags`; undefined where there is no such header. */
export function tagNames(headers: Headers, header: string): string[] | undefined {
  const text = headers[header]
  const encoded = isEncoded(headers)
  return text?.split(',').map(name => plain(name.trim(), encoded))
}

/** The text of a header that may be percent-encoded, as `x-emc-path`; undefined where there is no such header. */
export function headerText(headers: Headers, header: string): string | undefined {
  const text = headers[header]
  return text === undefined ? undefined : plain(text, isEncoded(headers))
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** What the system keeps of a node. */
export function systemTags(node: AtmosNode): [string, string][] {
  return [
    ['atime', time(node.modifiedAt)],
    ['mtime', time(node.modifiedAt)],
    ['ctime', time(node.changedAt)],
    ['itime', time(node.createdAt)],
    ['type', node.type],
    ['uid', nameOf(node.uid)],
    ['gid', 'apache'],
    ['objectid', node.id],
    ['objname', node.name],
    ['size', String(node.type === 'regular' ? node.body.length : 4096)],
    ['nlink', '1'],
    ['policyname', 'default'],
  ]
}

/** The user's tags of a node, listable or not. */
export function userTags(node: AtmosNode, listable: boolean): [string, string][] {
  return [...node.tags].filter(([, tag]) => tag.listable === listable).map(([name, { value }]) => [name, value])
}

/** Those pairs that are asked for. */
export function only(all: readonly [string, string][], names: readonly string[] | undefined): [string, string][] {
  return names === undefined ? [...all] : all.filter(([name]) => names.includes(name))
}

/** Text for a header: percent-encoded where the request says that it understands that, or else without what is not ASCII. */
function forHeader(text: string, encoded: boolean): string {
  if (encoded) return encodeURIComponent(text)
  return text.replace(/[^\x20-\x7e]/g, '?')
}

/** Pairs as a header, if there are any. */
export function pairsHeader(headers: Headers, name: string, all: readonly [string, string][]): Record<string, string> {
  if (all.length === 0) return {}
  const encoded = isEncoded(headers)
  const text = all.map(([tag, value]) => `${forHeader(tag, encoded)}=${forHeader(value, encoded)}`).join(', ')
  return { [name]: text, ...(encoded ? { 'x-emc-utf8': 'true' } : {}) }
}

/** Names as a header, if there are any. */
export function namesHeader(headers: Headers, name: string, all: readonly string[]): Record<string, string> {
  if (all.length === 0) return {}
  const encoded = isEncoded(headers)
  const text = all.map(tag => forHeader(tag, encoded)).join(',')
  return { [name]: text, ...(encoded ? { 'x-emc-utf8': 'true' } : {}) }
}
