/** Listings (RFC 959, section 4.1.3; RFC 3659, section 7). */
import { posix } from 'node:path'
import { toNetwork } from '../ascii.ts'
import { dosLine, mlsdLine, unixLine } from '../list-lines.ts'
import { Refusal } from '../refusal.ts'
import type { Session } from '../session.ts'
import type { FolderNode, Node } from '../tree.ts'
import type { Command } from './command.ts'

/** What is listed: names with their nodes. */
type Named = readonly (readonly [name: string, node: Node])[]

export const listingCommands: Readonly<Record<string, Command>> = {
  LIST(session, argument) {
    const { manners } = session.server
    const form = manners.listing === 'dos' ? dosLine : unixLine
    const lines = listed(session, argument).map(([name, node]) => form(node, name, manners.zoneMinutes, manners.now()))
    return send(session, 'LIST', argument, lines)
  },
  NLST(session, argument) {
    return send(
      session,
      'NLST',
      argument,
      listed(session, argument).map(([name]) => name),
    )
  },
  MLSD(session, argument) {
    const path = session.path(argument)
    const { tree } = session.server
    if (tree.find(path)?.kind === 'file') throw new Refusal(501, 'Not a directory.')
    const folder = tree.folder(path)
    const parent = tree.folder(posix.dirname(path))
    const lines = [
      mlsdLine(folder, '.', session.facts, 'cdir'),
      mlsdLine(parent, '..', session.facts, 'pdir'),
      ...entriesOf(folder).map(([name, node]) => mlsdLine(node, name, session.facts)),
    ]
    return send(session, 'MLSD', argument, lines)
  },
}

function send(session: Session, verb: string, argument: string, lines: readonly string[]): Promise<string> {
  // A listing is text whatever the type is, and ends its lines by CRLF.
  const text = toNetwork(Buffer.from(lines.map(line => `${line}\n`).join(''), 'latin1'))
  const sent = session.bytes(text)
  return session.transfer(verb, session.server.shown(argument), transfer => transfer.send(sent))
}

/** What LIST and NLST are about. */
function listed(session: Session, argument: string): Named {
  const { manners } = session.server
  let path = argument
  // To DOS a name that begins with a dot is one as any other.
  let showsHidden = manners.listing === 'dos'
  const [flags] = /^-[A-Za-z]+(?= |$)/.exec(argument) ?? []
  if (flags !== undefined && manners.flags === 'empty') return []
  if (flags !== undefined && manners.flags === 'option') {
    path = argument.slice(flags.length + 1)
    showsHidden ||= flags.includes('a')
  }
  if (manners.listArgument === 'ignored') path = ''
  if (manners.listArgument === 'first word') path = path.split(' ', 1)[0]!
  const found = manners.globs && /[*?[]/.test(path) ? globbed(session, path) : named(session, path)
  return found.filter(([name]) => showsHidden || !name.startsWith('.'))
}

/** What is in a folder, or a file by the name that it was asked for. */
function named(session: Session, path: string): Named {
  const { tree, manners } = session.server
  const node = tree.find(session.path(path))
  if (node?.kind === 'folder') return entriesOf(node)
  if (node !== undefined) return [[path, node]]
  if (manners.missingFolder === 'empty') return []
  throw new Refusal(manners.missingFolder, 'No such file or directory.')
}

/** What matches a pattern, in the last part of a path. */
function globbed(session: Session, path: string): Named {
  const folder = session.server.tree.find(session.path(posix.dirname(path)))
  if (folder?.kind !== 'folder') return []
  return entriesOf(folder).filter(([name]) => posix.matchesGlob(name, posix.basename(path)))
}

function entriesOf(folder: FolderNode): Named {
  return [...folder.entries].sort(([a], [b]) => (a < b ? -1 : 1))
}
