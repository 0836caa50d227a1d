/** ssh2's own client at an SFTP server, with promises. */
import { connect } from 'node:net'
import ssh2, { type ConnectConfig, type SFTPWrapper } from 'ssh2'
import { PASSWORD, type SftpServer, USERNAME } from '../sftp.ts'

type Callback<T> = (error: Error | null | undefined, value: T) => void

export class SftpClient implements AsyncDisposable {
  readonly ssh: ssh2.Client
  readonly sftp: SFTPWrapper
  /** Resolves when the connection is closed. */
  readonly closed: Promise<void>

  constructor(ssh: ssh2.Client, sftp: SFTPWrapper) {
    this.ssh = ssh
    this.sftp = sftp
    this.closed = new Promise(resolve => ssh.once('close', () => resolve()))
  }

  /** One call as a promise. */
  call<T = void>(work: (sftp: SFTPWrapper, done: Callback<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      work(this.sftp, (error, value) => (error ? reject(error) : resolve(value)))
    })
  }

  /** The code of the status that a call fails with; 0 when it succeeds. */
  async status(work: (sftp: SFTPWrapper, done: Callback<never>) => void): Promise<number> {
    return this.call(work).then(
      () => 0,
      (error: { readonly code: number }) => error.code,
    )
  }

  open(path: string, flags: number, mode = 0o644): Promise<Buffer> {
    return this.call((sftp, done) => sftp.open(path, flags, mode, done))
  }

  /** The bytes of one answer to READ. */
  read(handle: Buffer, offset: number, length: number): Promise<Buffer> {
    return this.call((sftp, done) => {
      const buffer = Buffer.alloc(length)
      sftp.read(handle, buffer, 0, length, offset, (error, count) => done(error, buffer.subarray(0, count)))
    })
  }

  write(handle: Buffer, offset: number, bytes: Buffer): Promise<void> {
    return this.call((sftp, done) => sftp.write(handle, bytes, 0, bytes.length, offset, done as Callback<void>))
  }

  close(handle: Buffer): Promise<void> {
    return this.call((sftp, done) => sftp.close(handle, done as Callback<void>))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ssh.end()
    await this.closed
  }
}

/** Logs in, by the password unless told, and opens a session. */
export async function sftpClient(
  server: SftpServer,
  config: ConnectConfig = { password: PASSWORD },
): Promise<SftpClient> {
  const ssh = new ssh2.Client()
  const { host, port } = server
  ssh.on('error', () => {})
  await new Promise<void>((resolve, reject) => {
    ssh.once('ready', resolve).once('error', reject)
    ssh.once('close', () => reject(new Error('closed')))
    // ssh2's own socket waits 40 ms between small packets.
    ssh.connect({ sock: connect({ host, port, noDelay: true }), username: USERNAME, ...config })
  })
  return new SftpClient(ssh, await sessionOf(ssh))
}

export function sessionOf(ssh: ssh2.Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => ssh.sftp((error, sftp) => (error ? reject(error) : resolve(sftp))))
}
