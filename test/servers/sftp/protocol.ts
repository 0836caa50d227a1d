/** Numbers of SFTP version 3 (draft-ietf-secsh-filexfer-02). */

export const PACKET = {
  INIT: 1,
  VERSION: 2,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const

/** Requests by their numbers. */
export const REQUESTS = new Map([
  [3, 'OPEN'],
  [4, 'CLOSE'],
  [5, 'READ'],
  [6, 'WRITE'],
  [7, 'LSTAT'],
  [8, 'FSTAT'],
  [9, 'SETSTAT'],
  [10, 'FSETSTAT'],
  [11, 'OPENDIR'],
  [12, 'READDIR'],
  [13, 'REMOVE'],
  [14, 'MKDIR'],
  [15, 'RMDIR'],
  [16, 'REALPATH'],
  [17, 'STAT'],
  [18, 'RENAME'],
  [19, 'READLINK'],
  [20, 'SYMLINK'],
] as const)

/** Codes of a STATUS. */
export const STATUS = {
  OK: 0,
  EOF: 1,
  NO_SUCH_FILE: 2,
  PERMISSION_DENIED: 3,
  FAILURE: 4,
  BAD_MESSAGE: 5,
  OP_UNSUPPORTED: 8,
} as const

/** What OpenSSH says to each code. */
const MESSAGES = new Map<number, string>([
  [0, 'Success'],
  [1, 'End of file'],
  [2, 'No such file'],
  [3, 'Permission denied'],
  [4, 'Failure'],
  [5, 'Bad message'],
  [8, 'Operation unsupported'],
])

export const OPEN = { READ: 1, WRITE: 2, APPEND: 4, CREATE: 8, TRUNCATE: 16, EXCLUSIVE: 32 } as const

/** What the server answers: one packet without its length, type and request. */
export type Reply =
  | { readonly type: 'STATUS'; readonly code: number; readonly message?: string }
  | { readonly type: 'HANDLE'; readonly handle: string }
  | { readonly type: 'DATA'; readonly data: Uint8Array }
  | { readonly type: 'NAME'; readonly names: readonly NamedAttributes[] }
  | { readonly type: 'ATTRS'; readonly attributes: Attributes }
  | { readonly type: 'EXTENDED_REPLY'; readonly data: Uint8Array }

export const OK: Reply = { type: 'STATUS', code: STATUS.OK }

/** ATTRS of a file: what is absent is not sent. */
export interface Attributes {
  readonly size?: number
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** With the bits of the type. */
  readonly permissions?: number
  /** Whole seconds. */
  readonly times?: { readonly atime: number; readonly mtime: number }
}

/** One entry of NAME; names are bytes, one character each. */
export interface NamedAttributes {
  readonly name: string
  readonly longName: string
  readonly attributes: Attributes
}

/** A request that failed, with the code of its STATUS. */
export class StatusError extends Error {
  readonly status: number

  constructor(status: number, message: string = messageOf(status)) {
    super(message)
    this.name = 'StatusError'
    this.status = status
  }
}

/** The text that goes with a code. */
export function messageOf(code: number): string {
  return MESSAGES.get(code) ?? 'Unknown status'
}
