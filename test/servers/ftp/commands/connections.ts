/** The data connection, and the state of the session (RFC 959, 2428). */
import { isIP } from 'node:net'
import { freePort } from '../../free-port.ts'
import { ActiveChannel, PassiveChannel } from '../data-channel.ts'
import { Refusal } from '../refusal.ts'
import type { Session } from '../session.ts'
import type { Command } from './command.ts'

export const connectionCommands: Readonly<Record<string, Command>> = {
  async PASV(session) {
    const host = session.control.localAddress
    if (session.epsvOnly) throw new Refusal(500, 'Only EPSV is allowed after EPSV ALL.')
    if (isIP(host) !== 4) throw new Refusal(425, 'PASV is for IPv4. Use EPSV.')
    const { port } = await listen(session)
    const named = session.server.manners.pasvHost ?? host
    return `227 Entering Passive Mode (${[...named.split('.'), port >> 8, port & 255].join(',')}).`
  },
  async EPSV(session, argument) {
    const { epsv } = session.server.manners
    if (argument.toUpperCase() === 'ALL') {
      session.epsvOnly = true
      return '200 EPSV ALL is set.'
    }
    if (epsv === 'refused') throw new Refusal(500, 'EPSV not understood.')
    const family = isIP(session.control.localAddress) === 4 ? '1' : '2'
    if (argument !== '' && argument !== family) throw new Refusal(522, `Protocol not supported, use (${family}).`)
    if (epsv === 'unreachable') return extended(await freePort(session.control.localAddress))
    const { port } = await listen(session)
    if (epsv === 'malformed') return `229 Entering Extended Passive Mode (${port})`
    return extended(port)
  },
  PORT(session, argument) {
    const numbers = argument.split(',').map(Number)
    if (numbers.length !== 6 || numbers.some(part => !(Number.isInteger(part) && part >= 0 && part < 256))) {
      throw new Refusal(501, 'Illegal PORT command.')
    }
    return active(session, numbers.slice(0, 4).join('.'), numbers[4]! * 256 + numbers[5]!)
  },
  EPRT(session, argument) {
    const [, family, host, port] = argument.split(argument.charAt(0))
    if (family !== '1' && family !== '2') throw new Refusal(522, 'Protocol not supported, use (1,2).')
    if (isIP(host ?? '') !== (family === '1' ? 4 : 6) || !(Number(port) > 0)) throw new Refusal(501, 'Illegal EPRT.')
    return active(session, host!, Number(port))
  },
  TYPE(session, argument) {
    const type = argument.toUpperCase()
    if (/^A( N)?$/.test(type)) session.type = 'A'
    else if (/^(I|L 8)$/.test(type)) session.type = 'I'
    else throw new Refusal(504, 'Unknown type.')
    return `200 Type is ${session.type}.`
  },
  MODE: (_session, argument) => only('S', argument),
  STRU: (_session, argument) => only('F', argument),
  SYST: session => (session.server.manners.listing === 'dos' ? '215 Windows_NT' : '215 UNIX Type: L8'),
  NOOP: () => '200 NOOP ok.',
  HELP: () => '214 Help yourself.',
  STAT: session => `211-Status\n TYPE: ${session.type}\n211 End of status`,
  ALLO: () => '202 No storage allocation necessary.',
  ABOR: () => '225 No transfer to abort.',
  QUIT(session) {
    session.say('221 Goodbye.')
    session.control.end()
    return ''
  },
}

async function listen(session: Session): Promise<PassiveChannel> {
  session.dropChannel()
  const { localAddress, remoteAddress } = session.control
  const channel = await PassiveChannel.listen(localAddress, remoteAddress, socket => session.server.keep(socket))
  session.channel = channel
  return channel
}

function extended(port: number): string {
  return `229 Entering Extended Passive Mode (|||${port}|)`
}

/** Connects to nobody but the client itself (RFC 2577, section 3). */
function active(session: Session, host: string, port: number): string {
  if (session.epsvOnly) throw new Refusal(500, 'Only EPSV is allowed after EPSV ALL.')
  if (host !== session.control.remoteAddress || port < 1024) throw new Refusal(500, 'Illegal address.')
  session.dropChannel()
  session.channel = new ActiveChannel(host, port, socket => session.server.keep(socket))
  return '200 Command successful. Consider using PASV.'
}

function only(value: string, argument: string): string {
  if (argument.toUpperCase() !== value) throw new Refusal(504, 'Not supported.')
  return `200 It is ${value}.`
}
