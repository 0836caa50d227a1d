import type { Socket } from 'node:net'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { importOptional } from '../../core/optional.ts'
import type { Reply } from './replies.ts'

/** Ends the wait for the answers to one command. */
export interface ReplyTask {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** The used part of basic-ftp's `FTPContext`: the control connection, with one command at a time. */
export interface FtpContext {
  readonly socket: Socket
  encoding: string
  /** The newest TLS session, of the control connection or of a data connection. */
  tlsSessionStore: Buffer | undefined
  readonly closed: boolean
  /** Sends a command and passes every answer to `handler`, from code 400 on as an error, until the task is ended. */
  handle(command: string | undefined, handler: (answer: Error | Reply, task: ReplyTask) => void): Promise<unknown>
  /** Sends a command whose answer goes to the current task. */
  send(command: string): void
  close(): void
}

/** The used part of basic-ftp's `Client`. */
export interface FtpClient {
  readonly ftp: FtpContext
  connect(host: string, port: number): Promise<Reply>
  connectImplicitTLS(host: string, port: number, options: TlsOptions): Promise<Reply>
  useTLS(options: TlsOptions): Promise<Reply>
  login(user: string, password: string): Promise<Reply>
  close(): void
}

interface BasicFtp {
  readonly Client: new (timeoutMs: number) => FtpClient
}

/** A client that is not connected. Its own time-outs are off: those of the call apply. */
export async function newClient(): Promise<FtpClient> {
  const { Client } = await importOptional<BasicFtp>('basic-ftp', 'FtpStorage')
  return new Client(0)
}
