/** Who the client is, and TLS (RFC 959, RFC 4217). */
import { Refusal } from '../refusal.ts'
import type { Session } from '../session.ts'
import type { Command } from './command.ts'
import { needed } from './command.ts'

export const accountCommands: Readonly<Record<string, Command>> = {
  USER(session, argument) {
    const { tls } = session.server.manners
    if (tls?.required && !session.control.isSecure) throw new Refusal(530, 'Sessions must use encryption.')
    session.user = session.server.shown(needed(argument))
    session.hasPassword = false
    session.isLoggedIn = false
    return '331 Please specify the password.'
  },
  PASS(session, argument) {
    const { user, password, account, maxConnections, limitReply } = session.server.manners
    if (session.user === undefined) throw new Refusal(503, 'Login with USER first.')
    if (session.server.sessions.size > maxConnections) return limitReply
    if (session.user !== user || session.server.shown(argument) !== password) {
      session.user = undefined
      throw new Refusal(530, 'Login incorrect.')
    }
    session.hasPassword = true
    return account === undefined ? loggedIn(session) : '332 Need account for login.'
  },
  ACCT(session, argument) {
    const { account } = session.server.manners
    if (!session.hasPassword || account === undefined) throw new Refusal(503, 'Bad sequence of commands.')
    if (session.server.shown(argument) !== account) throw new Refusal(530, 'Login incorrect.')
    return loggedIn(session)
  },
  async AUTH(session, argument) {
    const { tls } = session.server.manners
    if (tls === undefined) throw new Refusal(502, 'No TLS here.')
    if (session.control.isSecure) throw new Refusal(503, 'TLS is already on.')
    if (!/^TLS(-C)?$/i.test(argument)) throw new Refusal(504, 'Unknown mechanism.')
    session.say('234 Proceed with negotiation.')
    await session.control.secure(session.tls())
    session.user = undefined
    session.isLoggedIn = false
    return ''
  },
  PBSZ(session, argument) {
    if (!session.control.isSecure) throw new Refusal(503, 'TLS is not on.')
    needed(argument)
    session.hasBufferSize = true
    return '200 PBSZ=0'
  },
  PROT(session, argument) {
    if (!session.hasBufferSize) throw new Refusal(503, 'Send PBSZ first.')
    const level = argument.toUpperCase()
    if (level !== 'P' && level !== 'C') throw new Refusal(/^[SE]$/.test(level) ? 536 : 504, 'Not supported.')
    session.isProtected = level === 'P'
    return `200 PROT ${level} is set.`
  },
}

function loggedIn(session: Session): string {
  session.isLoggedIn = true
  session.cwd = session.server.manners.home
  session.server.tree.ensureFolder(session.cwd)
  return '230-Welcome.\n  This reply has more than one line.\n230 Login successful.'
}
