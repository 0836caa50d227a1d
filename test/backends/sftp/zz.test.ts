import { it } from 'vitest'
import { startSftpServer } from '../../servers/sftp.ts'
import { distinct, withStorage } from './support.ts'
it('x', async () => {
  const server = await startSftpServer()
  server.habits.mostHandles = 1
  try {
    await withStorage(server, { fileOverwrite: true }, async storage => {
      await Promise.all(Array.from({ length: 16 }, (_, at) => storage.save(`d/${at}`, distinct(40_000 + at))))
    })
  } finally {
    console.log(server.log.of('OPEN', 'CLOSE', 'posix-rename@openssh.com').slice(-60).map(r => JSON.stringify(r)).join('\n').slice(0, 9000))
    await server.close()
  }
})
