/** What the server tells of itself and of files (RFC 959, 2389, 3659; draft-somers-ftp-mfxx). */
import { toNetwork } from '../ascii.ts'
import { FACTS, mlstLine, timeValue } from '../list-lines.ts'
import { Refusal } from '../refusal.ts'
import { bytesOf } from '../tree.ts'
import { type Command, needed } from './command.ts'

export const factCommands: Readonly<Record<string, Command>> = {
  FEAT(session) {
    const { without, announced, utf8, tls } = session.server.manners
    const features: readonly (readonly [string, string, boolean])[] = [
      ['AUTH', 'AUTH TLS', tls !== undefined],
      ['PBSZ', 'PBSZ', tls !== undefined],
      ['PROT', 'PROT', tls !== undefined],
      ['EPRT', 'EPRT', true],
      ['EPSV', 'EPSV', true],
      ['MDTM', 'MDTM', true],
      ['MFMT', 'MFMT', true],
      ['MLSD', `MLST ${FACTS.map(fact => fact + (session.facts.includes(fact) ? '*' : '')).join(';')};`, true],
      ['REST', 'REST STREAM', true],
      ['SIZE', 'SIZE', true],
      ['TVFS', 'TVFS', true],
      ['UTF8', 'UTF8', utf8],
    ]
    const lines = features.filter(
      ([verb, , isThere]) => isThere && (!without.includes(verb) || announced.includes(verb)),
    )
    return ['211-Features:', ...lines.map(([, line]) => ` ${line}`), '211 End'].join('\n')
  },
  OPTS(session, argument) {
    const [name = '', value = ''] = argument.split(' ')
    if (name.toUpperCase() === 'UTF8') {
      if (!session.server.manners.utf8) throw new Refusal(501, 'Option not understood.')
      return `200 UTF8 is ${value.toUpperCase()}.`
    }
    if (name.toUpperCase() !== 'MLST' || session.server.manners.without.includes('MLSD')) {
      throw new Refusal(501, 'Option not understood.')
    }
    const wanted = value.toLowerCase().split(';')
    session.facts = FACTS.filter(fact => wanted.includes(fact))
    return `200 MLST OPTS ${session.facts.map(fact => `${fact};`).join('')}`
  },
  SIZE(session, argument) {
    const file = session.server.tree.file(session.path(needed(argument)))
    if (session.type === 'I') return `213 ${file.size}`
    if (session.server.manners.asciiSize === 'refused') throw new Refusal(550, 'SIZE not allowed in ASCII mode.')
    return `213 ${toNetwork(bytesOf(file)).length}`
  },
  MDTM(session, argument) {
    return `213 ${timeValue(session.server.tree.file(session.path(needed(argument))).modified)}`
  },
  MFMT(session, argument) {
    const [, time, path] = /^(\d{14}) (.+)$/.exec(argument) ?? []
    if (time === undefined || path === undefined) throw new Refusal(501, 'Expected a time and a path.')
    const date = new Date(time.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z'))
    if (Number.isNaN(date.getTime())) throw new Refusal(501, 'That is no time.')
    session.server.tree.file(session.path(path)).modified = date
    return `213 Modify=${time}; ${path}`
  },
  MLST(session, argument) {
    const path = session.path(argument)
    const node = session.server.tree.find(path)
    if (node === undefined) throw new Refusal(550, 'No such file or directory.')
    return `250-Listing ${path}\n ${mlstLine(node, path, session.facts)}\n250 End`
  },
  SITE(session, argument) {
    const [, mode, path] = /^CHMOD ([0-7]{3,4}) (.+)$/i.exec(argument) ?? []
    if (/^HELP$/i.test(argument)) return '214 CHMOD HELP'
    if (mode === undefined || path === undefined) throw new Refusal(504, 'Unknown SITE command.')
    const node = session.server.tree.find(session.path(path))
    if (node === undefined) throw new Refusal(550, 'No such file or directory.')
    node.mode = Number.parseInt(mode, 8)
    return '200 SITE CHMOD command ok.'
  },
}
