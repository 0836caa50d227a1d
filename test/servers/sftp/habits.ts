/** How a server differs from OpenSSH's: real servers have each of these habits. */

/** An extension with the version that is announced. */
const OPENSSH: readonly (readonly [name: string, version: string])[] = [
  ['posix-rename@openssh.com', '1'],
  ['statvfs@openssh.com', '2'],
  ['fstatvfs@openssh.com', '2'],
  ['hardlink@openssh.com', '1'],
  ['fsync@openssh.com', '1'],
  ['lsetstat@openssh.com', '1'],
  ['limits@openssh.com', '1'],
  ['copy-data', '1'],
]

/** The extensions that the server knows, as OpenSSH announces them. */
export const EXTENSIONS: ReadonlyMap<string, string> = new Map(OPENSSH)

/** Part of ATTRS that a server may not give. */
export type AttributePart = 'size' | 'owner' | 'type' | 'permissions' | 'times'

export interface Habits {
  /** Names of the extensions that are announced and carried out; default all. */
  extensions: readonly string[]
  /** Most bytes in one answer to READ: more is answered short. */
  mostRead: number
  /** Most bytes of one WRITE: more is refused with code 4, as Windows OpenSSH 7.7 does over 102,400. */
  mostWrite: number
  /** What `limits@openssh.com` tells of both; default what OpenSSH tells. */
  toldLimits: { readonly read: number; readonly write: number }
  /** Handles that one session may have open; more is refused with code 4. */
  mostHandles: number
  /** Names in one answer to READDIR. */
  namesPerAnswer: number
  /** What RENAME does where its target is there: OpenSSH refuses, SFTPGo replaces. */
  plainRename: 'refuse' | 'replace'
  /** A program on the server takes a file away as soon as it is written and closed. */
  takesAway: boolean
  /** What a listing does not tell of its entries. */
  unlisted: readonly AttributePart[]
  /** What STAT, LSTAT and FSTAT do not tell. */
  unstated: readonly AttributePart[]
  /** Whether the first letter of a listing's long name is the type; without it the long name is the name. */
  longNames: boolean
}

/** OpenSSH's habits. */
export function habitsOfOpenSsh(): Habits {
  return {
    extensions: [...EXTENSIONS.keys()],
    mostRead: 261_120,
    mostWrite: 261_120,
    toldLimits: { read: 261_120, write: 261_120 },
    mostHandles: 1000,
    namesPerAnswer: 100,
    plainRename: 'refuse',
    takesAway: false,
    unlisted: [],
    unstated: [],
    longNames: true,
  }
}
