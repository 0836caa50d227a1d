/** Rights: `name=FULL_CONTROL` for users, `other=READ` for all users of the subtenant. */
import type { AtmosContext } from './context.ts'
import { AtmosError } from './errors.ts'
import type { AtmosNode } from './tree.ts'

/** A right, the smallest first. */
const RIGHTS = ['NONE', 'READ', 'WRITE', 'FULL_CONTROL'] as const

export type Right = (typeof RIGHTS)[number]

/** The rights on one node. */
export interface Acl {
  readonly users: ReadonlyMap<string, Right>
  readonly other: Right
}

function grants(text: string): [string, Right][] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(part => {
      const [, name = '', right = ''] = /^([^=]+)=([A-Z_]+)$/.exec(part) ?? []
      const known = RIGHTS.find(one => one === right || (one === 'FULL_CONTROL' && right === 'FULL'))
      if (known === undefined) throw new AtmosError(1002, 'A right is not valid.')
      return [name, known]
    })
}

/** The rights that the headers say, over those that there were. */
export function readAcl(headers: Readonly<Record<string, string>>, old: Acl): Acl {
  const users = new Map(old.users)
  for (const [name, right] of grants(headers['x-emc-useracl'] ?? '')) users.set(name, right)
  let { other } = old
  for (const [name, right] of grants(headers['x-emc-groupacl'] ?? '')) {
    if (name !== 'other') throw new AtmosError(1002, 'The only group is "other".')
    if (right === 'FULL_CONTROL') throw new AtmosError(1002, 'A group has no full control.')
    other = right
  }
  return { users, other }
}

/** The rights of what a user makes. */
export function ownAcl(uid: string): Acl {
  return { users: new Map([[nameOf(uid), 'FULL_CONTROL']]), other: 'NONE' }
}

/** The two headers that tell rights; full control is called FULL there. */
export function aclHeaders({ users, other }: Acl): Record<string, string> {
  const word = (right: Right): string => (right === 'FULL_CONTROL' ? 'FULL' : right)
  const all = [...users].map(([name, right]) => `${name}=${word(right)}`)
  return { 'x-emc-useracl': all.join(', '), 'x-emc-groupacl': `other=${word(other)}` }
}

/** 1015 where the user has less than this right on the node. */
export function needRight({ uid }: AtmosContext, node: AtmosNode, needed: Right): void {
  if (node.uid === uid) return
  const own = node.acl.users.get(nameOf(uid)) ?? 'NONE'
  const best = Math.max(RIGHTS.indexOf(own), RIGHTS.indexOf(node.acl.other))
  if (best < RIGHTS.indexOf(needed)) throw new AtmosError(1015)
}

/** The user's name without the subtenant. */
export function nameOf(uid: string): string {
  return uid.slice(uid.indexOf('/') + 1)
}
