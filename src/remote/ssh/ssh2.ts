import type { Socket } from 'node:net'
import { importOptional } from '../../core/optional.ts'

/** Attributes of a file in SFTP version 3; a server leaves out unknown ones. (draft-ietf-secsh-filexfer-02, section 5) */
export interface Attributes {
  readonly size?: number | undefined
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** File type and permission bits. */
  readonly mode?: number | undefined
  /** Seconds since 1970. */
  readonly atime?: number | undefined
  readonly mtime?: number | undefined
}

/** One name in a folder. */
export interface DirectoryItem {
  readonly filename: string
  /** In the format of `ls -l`. */
  readonly longname: string
  readonly attrs: Attributes
}

/** How a request ends. */
export type Done<T> = (error?: Error | null, value?: T) => void

/** The used part of ssh2's `SFTP`; only the first value of a callback is used. */
export interface SftpSession {
  on(event: 'error' | 'close' | 'end', listener: (error?: Error) => void): unknown
  /** Set if the server answered `limits@openssh.com`. */
  readonly maxOpenHandles?: number | undefined
  end(): void
  open(path: string, flags: number, attributes: Attributes, done: Done<Buffer>): void
  close(handle: Buffer, done: Done<undefined>): void
  read(handle: Buffer, buffer: Buffer, offset: number, length: number, position: number, done: Done<number>): void
  write(handle: Buffer, buffer: Buffer, offset: number, length: number, position: number, done: Done<number>): void
  opendir(path: string, done: Done<Buffer>): void
  readdir(handle: Buffer, options: { readonly full: boolean }, done: Done<DirectoryItem[]>): void
  stat(path: string, done: Done<Attributes>): void
  lstat(path: string, done: Done<Attributes>): void
  fstat(handle: Buffer, done: Done<Attributes>): void
  setstat(path: string, attributes: Attributes, done: Done<undefined>): void
  fsetstat(handle: Buffer, attributes: Attributes, done: Done<undefined>): void
  mkdir(path: string, attributes: Attributes, done: Done<undefined>): void
  rmdir(path: string, done: Done<undefined>): void
  unlink(path: string, done: Done<undefined>): void
  rename(from: string, to: string, done: Done<undefined>): void
  readlink(path: string, done: Done<string>): void
  realpath(path: string, done: Done<string>): void
  ext_openssh_rename(from: string, to: string, done: Done<undefined>): void
  ext_openssh_hardlink(from: string, to: string, done: Done<undefined>): void
  ext_openssh_fsync(handle: Buffer, done: Done<undefined>): void
  ext_copy_data(from: Buffer, at: number, length: number, to: Buffer, toAt: number, done: Done<undefined>): void
}

/** One way to log in, in the format of the authentication handler. */
export type AuthStep =
  | { readonly type: 'none'; readonly username: string }
  | { readonly type: 'password'; readonly username: string; readonly password: string }
  | { readonly type: 'publickey'; readonly username: string; readonly key: SshKey }
  | { readonly type: 'agent'; readonly username: string; readonly agent: string }
  | { readonly type: 'keyboard-interactive'; readonly username: string; readonly prompt: PromptHandler }

/** Answers the questions of a server. */
export type PromptHandler = (
  name: string,
  instructions: string,
  language: string,
  prompts: ReadonlyArray<{ readonly prompt: string; readonly echo?: boolean }>,
  finish: (answers: readonly string[]) => void,
) => void

/** A list of algorithms, or changes to the default list, applied in the order of the keys. */
export type Algorithms =
  | readonly string[]
  | { readonly remove: readonly string[]; readonly prepend?: readonly string[]; readonly append?: readonly string[] }

/** The used part of ssh2's connect options. */
export interface SshConfig {
  readonly sock: Socket
  readonly username: string
  readonly readyTimeout: number
  readonly authHandler: (
    methodsLeft: readonly string[] | null,
    partialSuccess: boolean | null,
    next: (step: AuthStep | false) => void,
  ) => void
  readonly hostVerifier: (key: Buffer) => boolean
  readonly algorithms: Readonly<Record<'kex' | 'serverHostKey' | 'cipher' | 'hmac' | 'compress', Algorithms>>
}

/** The used part of ssh2's `Client`. */
export interface SshClient {
  on(event: 'error', listener: (error: Error & { readonly level?: string }) => void): unknown
  on(event: 'ready' | 'handshake' | 'close' | 'end', listener: () => void): unknown
  connect(config: SshConfig): unknown
  sftp(done: Done<SftpSession>): unknown
  end(): unknown
  destroy(): unknown
}

/** A key that ssh2 has parsed. */
export interface SshKey {
  readonly type: string
  isPrivateKey(): boolean
}

/** The used part of ssh2. */
export interface Ssh2 {
  readonly Client: new () => SshClient
  readonly utils: { parseKey(data: Buffer | string, passphrase?: string): SshKey | SshKey[] | Error }
}

/** Loads the package. Code `improperly_configured` if it is not installed. */
export async function loadSsh2(): Promise<Ssh2> {
  const loaded = await importOptional<Ssh2 & { readonly default?: Ssh2 }>('ssh2', 'The SFTP backend')
  return loaded.default ?? loaded
}
