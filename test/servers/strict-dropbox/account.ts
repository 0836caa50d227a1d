/** The account: whose files they are, and what their roots are called. */
import { jsonAnswer } from '../strict/answer.ts'
import type { DropboxAnswer, OperationContext, StrictDropboxOptions } from './context.ts'
import type { Tagged } from './errors.ts'
import type { FolderNode, Space } from './tree.ts'

/** An account with its namespaces. */
export interface Account {
  readonly kind: NonNullable<StrictDropboxOptions['account']>
  readonly home: FolderNode
  readonly homeNamespace: string
  /** May change, as it does when a user changes the team. */
  rootNamespace: string
  /** The folders that are namespaces, by their ids. */
  readonly namespaces: Map<string, FolderNode>
}

/** An account in an empty space; a team's has the member's folder in its root. */
export function makeAccount(kind: Account['kind'], space: Space): Account {
  const homeNamespace = '1007'
  const rootNamespace = kind === 'user' ? homeNamespace : '2003'
  const home = kind === 'user' ? space.root : space.addFolder(space.root, 'Ann Example')
  return {
    kind,
    home,
    homeNamespace,
    rootNamespace,
    namespaces: new Map([
      [homeNamespace, home],
      [rootNamespace, space.root],
    ]),
  }
}

/** What `root_info` tells, and the error of a wrong root. */
export function rootInfo({ kind, home, homeNamespace, rootNamespace }: Account): Tagged {
  const ids = { root_namespace_id: rootNamespace, home_namespace_id: homeNamespace }
  if (kind === 'user') return { '.tag': 'user', ...ids }
  return { '.tag': kind === 'team' ? 'team' : 'user', ...ids, home_path: `/${home.name}` }
}

/** `users/get_current_account`. */
export function currentAccount({ state }: OperationContext): DropboxAnswer {
  const { kind } = state.account
  const isTeam = kind !== 'user'
  return jsonAnswer({
    account_id: state.options.accountId ?? 'dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc',
    name: {
      given_name: 'Ann',
      surname: 'Example',
      familiar_name: 'Ann',
      display_name: 'Ann Example',
      abbreviated_name: 'AE',
    },
    email: 'ann@example.com',
    email_verified: true,
    disabled: false,
    country: 'US',
    locale: 'en',
    referral_link: 'https://db.tt/ZITNuhtI',
    is_paired: false,
    account_type: { '.tag': isTeam ? 'business' : 'basic' },
    root_info: rootInfo(state.account),
    ...(isTeam ? { team: { id: 'dbtid:AAFdgehTzw7WlXhZJsbGCLePe8RvQGYDr-I', name: 'Example' } } : {}),
    ...(isTeam ? { team_member_id: 'dbmid:AAHhy7WsR0x-u4ZCqiDl5Fz5zvuL3kmspwU' } : {}),
  })
}

/** `users/get_space_usage`. */
export function spaceUsage({ state }: OperationContext): DropboxAnswer {
  const used = state.space.used
  const allocated = allocatedBytes(state.options)
  const individual = { '.tag': 'individual', allocated }
  const team = {
    '.tag': 'team',
    used,
    allocated,
    user_within_team_space_allocated: 0,
    user_within_team_space_limit_type: { '.tag': 'off' },
    user_within_team_space_used_cached: used,
  }
  return jsonAnswer({ used, allocation: state.account.kind === 'user' ? individual : team })
}

/** Bytes that the account may hold. */
export function allocatedBytes({ allocated = 2 ** 41 }: StrictDropboxOptions): number {
  return allocated
}
