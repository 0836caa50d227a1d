/** The real servers themselves: what they leave behind, and that clients of others take them for what they are. */
import { once } from 'node:events'
import { readFile, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type PrivateDaemon, USER, USER_ID } from '../servers/private-daemon.ts'
import { startProftpd } from '../servers/proftpd.ts'
import { startPureFtpd } from '../servers/pure-ftpd.ts'
import { startSshd } from '../servers/sshd.ts'
import { startVsftpd } from '../servers/vsftpd.ts'
import { Child, runChild } from '../support/child.ts'

const STARTS: Readonly<Record<string, () => Promise<PrivateDaemon>>> = {
  vsftpd: startVsftpd,
  proftpd: startProftpd,
  'pure-ftpd': startPureFtpd,
  sshd: startSshd,
}

test.each(Object.entries(STARTS))(
  '%s changes nothing of this machine, is killed and started again',
  async (_title, start) => {
    const users = await readFile('/etc/passwd', 'utf8')
    const server = await start()
    try {
      expect(await readFile('/etc/passwd', 'utf8')).toBe(users)
      expect(users).not.toContain(`${USER}:x:${USER_ID}`)
      expect(server.pid).toBeGreaterThan(0)
      await server.kill()
      expect([server.pid, await accepts(server.port)]).toEqual([0, false])
      await server.start()
      expect(await accepts(server.port)).toBe(true)
    } finally {
      await server.close()
    }
    await expect(stat(server.files)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await accepts(server.port)).toBe(false)
  },
)

test('a server ends with the process that started it, however that ends', async () => {
  const script = `
    import { startVsftpd } from '${join(import.meta.dirname, '../servers/vsftpd.ts')}'
    const { port, files } = await startVsftpd()
    console.log(port, files)`
  const child = new Child(process.execPath, ['--input-type=module', '--eval', script])
  const [, port, files] = await child.printed(/^(\d+) (\S+)\n/)
  try {
    expect(await accepts(Number(port))).toBe(true)
    await child.kill('SIGKILL')
    while (await accepts(Number(port)));
  } finally {
    await rm(join(files!, '..'), { recursive: true })
  }
})

test('a configuration that the server does not take fails with its words', async () => {
  await expect(startVsftpd({ lines: ['no_such_setting=YES'] })).rejects.toThrow(
    /vsftpd ended with \d+.*no_such_setting/s,
  )
  await expect(startSshd({ lines: ['NoSuchSetting yes'] })).rejects.toThrow(/sshd ended with \d+.*NoSuchSetting/is)
})

test('sftp stores and reads with its key', async () => {
  const server = await startSshd()
  try {
    const { keyPath, port, knownHosts, user, path } = server
    const words = ['-q', '-b', '-', '-i', keyPath, '-P', String(port), '-o', `UserKnownHostsFile=${knownHosts}`]
    const input = `put ${import.meta.filename} ${path}/stored\nls -l ${path}\n`
    const { stdout } = await runChild('sftp', [...words, `${user}@127.0.0.1`], { input })
    expect(stdout).toMatch(/ \/files\/stored/)
    expect(await readFile(join(server.files, 'stored'))).toEqual(await readFile(import.meta.filename))
    expect((await stat(join(server.files, 'stored'))).uid).toBe(USER_ID)
  } finally {
    await server.close()
  }
})

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
