/** An SSH agent that holds keys, at a socket of its own. */
import { createServer } from 'node:net'
import ssh2, { type ParsedKey } from 'ssh2'
import type { SshKey } from './keys.ts'

export interface Agent extends AsyncDisposable {
  /** What SSH_AUTH_SOCK says. */
  readonly path: string
  /** How often it signed. */
  readonly signed: number
}

/** Starts one. */
export async function startAgent(path: string, keys: readonly SshKey[]): Promise<Agent> {
  const held = keys.map(({ privateKey }) => ssh2.utils.parseKey(privateKey) as ParsedKey)
  let signed = 0
  const server = createServer(socket => {
    const agent = new ssh2.AgentProtocol(false)
    socket.on('error', () => {})
    agent.on('error', () => {})
    agent.on('identities', (request: never) => agent.getIdentitiesReply(request, held))
    agent.on('sign', (request: never, key: ParsedKey, data: Buffer, { hash }: { readonly hash?: string }) => {
      const found = held.find(each => each.getPublicSSH().equals(key.getPublicSSH()))
      if (found === undefined) return agent.failureReply(request)
      signed++
      agent.signReply(request, found.sign(data, hash))
    })
    socket.pipe(agent).pipe(socket)
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
  return {
    path,
    get signed() {
      return signed
    },
    async [Symbol.asyncDispose]() {
      await new Promise(resolve => server.close(resolve))
    },
  }
}
