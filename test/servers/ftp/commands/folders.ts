/** Folders and names (RFC 959). */
import { Refusal } from '../refusal.ts'
import type { Session } from '../session.ts'
import { type Command, needed, quoted } from './command.ts'

export const folderCommands: Readonly<Record<string, Command>> = {
  CWD: (session, argument) => change(session, needed(argument)),
  CDUP: session => change(session, '..'),
  PWD: session => `257 ${quoted(session.cwd)} is the current directory.`,
  MKD(session, argument) {
    const path = session.path(needed(argument))
    session.server.tree.makeFolder(path)
    return `257 ${quoted(path)} created.`
  },
  RMD(session, argument) {
    session.server.tree.remove(session.path(needed(argument)), 'folder')
    return '250 Removed.'
  },
  DELE(session, argument) {
    session.server.tree.remove(session.path(needed(argument)), 'file')
    return '250 Deleted.'
  },
  RNFR(session, argument) {
    const path = session.path(needed(argument))
    if (session.server.tree.find(path) === undefined) throw new Refusal(550, 'No such file or directory.')
    session.renameFrom = path
    return '350 Ready for RNTO.'
  },
  RNTO(session, argument) {
    const { tree, manners } = session.server
    const from = session.renameFrom
    session.renameFrom = undefined
    if (from === undefined) throw new Refusal(503, 'RNFR required first.')
    const to = session.path(needed(argument))
    if (manners.renameOnto !== 'replaces' && from !== to && tree.find(to) !== undefined) {
      if (manners.renameOnto === 'refuses') throw new Refusal(550, 'File exists.')
    } else tree.rename(from, to)
    return '250 Rename successful.'
  },
}

function change(session: Session, path: string): string {
  const folder = session.path(path)
  session.server.tree.folder(folder)
  session.cwd = folder
  return '250 Directory successfully changed.'
}
