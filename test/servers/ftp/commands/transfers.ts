/** Files over a data connection (RFC 959, section 4.1.3; RFC 3659, section 5). */
import { FromNetwork, toNetwork } from '../ascii.ts'
import { Refusal } from '../refusal.ts'
import type { Session } from '../session.ts'
import { bytesOf, type FileNode } from '../tree.ts'
import { type Command, needed } from './command.ts'

export const transferCommands: Readonly<Record<string, Command>> = {
  REST(session, argument) {
    if (!/^\d{1,15}$/.test(argument)) throw new Refusal(501, 'Expected a number of bytes.')
    session.marker = Number(argument)
    return `350 Restarting at ${argument}.`
  },
  RETR(session, argument) {
    const file = session.server.tree.file(session.path(needed(argument)))
    const stored = bytesOf(file)
    const bytes = session.type === 'A' ? toNetwork(stored) : stored
    if (session.marker > bytes.length) throw new Refusal(554, 'The restart marker is beyond the end.')
    const sent = session.bytes(bytes.subarray(session.marker))
    return session.transfer('RETR', session.server.shown(argument), transfer => transfer.send(sent))
  },
  STOR(session, argument) {
    const { tree } = session.server
    const path = session.path(needed(argument))
    const { marker } = session
    const size = tree.find(path)?.kind === 'file' ? tree.file(path).size : 0
    // A hole of zeros is never left.
    if (marker > size) throw new Refusal(554, 'The restart marker is beyond the end.')
    if (session.channel === undefined) throw new Refusal(425, 'Use PASV or PORT first.')
    const file = tree.openFile(path)
    if (marker === 0) tree.truncate(file)
    return store(session, 'STOR', argument, file, marker)
  },
  APPE(session, argument) {
    if (session.channel === undefined) throw new Refusal(425, 'Use PASV or PORT first.')
    const file = session.server.tree.openFile(session.path(needed(argument)))
    return store(session, 'APPE', argument, file, file.size)
  },
}

/** Stores what comes, piece by piece: what is cut off stays as long as it has become. */
function store(session: Session, verb: string, argument: string, file: FileNode, start: number): Promise<string> {
  const { tree } = session.server
  const lines = session.type === 'A' ? new FromNetwork() : undefined
  let at = start
  const keep = (bytes: Buffer): void => {
    tree.overwrite(file, at, bytes)
    at += bytes.length
  }
  return session.transfer(verb, session.server.shown(argument), async transfer => {
    await transfer.receive(piece => keep(lines?.convert(piece) ?? piece))
    if (lines !== undefined) keep(lines.end())
    const truth = bytesOf(file).subarray(start, at)
    const kept = session.bytes(truth)
    if (kept === truth) return
    const before = bytesOf(file).subarray(0, start)
    tree.truncate(file)
    tree.append(file, Buffer.concat([before, kept]))
  })
}
