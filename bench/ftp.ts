/**
 * Holdall's FTP storage against `curl` and `lftp`, over vsftpd from Debian's packages.
 *
 *     node scripts/build.ts && node bench/ftp.ts      # all rows; as root
 *     node bench/ftp.ts 'TLS'                         # rows whose title contains the text
 *     BENCH_DIR=/tmp node bench/ftp.ts                # where the files lie; in memory by default
 *     BENCH_ROUNDS=3 node bench/ftp.ts                # quicker, rougher
 */
import { join } from 'node:path'
import { needPrograms } from '../test/servers/debian.ts'
import type { FtpServer, FtpTls } from '../test/servers/ftp-server.ts'
import { startVsftpd } from '../test/servers/vsftpd.ts'
import { type Ground, head, row, withGround } from './clients/programs.ts'

async function rows(tls: FtpTls, server: FtpServer, { large, many, free }: Ground): Promise<void> {
  const isTls = tls !== 'none'
  const title = (work: string): string => `${work}, ${isTls ? 'TLS' : 'plain'}`
  const there = `${server.url.replace('ftps:', 'ftp:')}/files`
  const curl = (...words: string[]) => [
    {
      title: 'curl',
      program: 'curl',
      words: ['-sS', ...(isTls ? ['--ssl-reqd', '--cacert', server.certPath] : []), ...words],
    },
  ]
  const trust = isTls ? `set ssl:ca-file ${server.certPath}; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; ` : ''
  const lftp = (words: string) => [
    { title: 'lftp', program: 'lftp', words: ['-c', `${trust}open ${server.url.replace('ftps:', 'ftp:')}; ${words}`] },
  ]
  const worker = {
    module: join(import.meta.dirname, '../dist/backends/ftp/index.js'),
    className: 'FtpStorage',
    options: { location: `${server.url}/files`, ...(isTls ? { verify: server.certPath } : {}) },
  }
  const here = (name: string): string => join(server.files, name)
  await row(
    {
      title: title('256 MiB up'),
      work: { ...worker, do: 'up', local: large, remote: 'large' },
      programs: curl('-T', large, `${there}/large`),
      made: here('large'),
      source: large,
      target: 0.8,
    },
    free,
  )
  await row(
    {
      title: title('256 MiB down'),
      work: { ...worker, do: 'down', local: free, remote: 'large' },
      programs: curl('-o', free, `${there}/large`),
      made: here('large'),
      source: large,
      target: 0.8,
    },
    free,
  )
  await row(
    {
      title: title('1,000 files of 4 KiB up'),
      work: { ...worker, do: 'many up', local: many, remote: 'many' },
      programs: lftp(`mirror -R -P 4 ${many} files/many`),
      made: here('many'),
      source: many,
      target: 1,
    },
    free,
  )
  await row(
    {
      title: title('1,000 files of 4 KiB down'),
      work: { ...worker, do: 'many down', local: free, remote: 'many' },
      programs: lftp(`mirror -P 4 files/many ${free}`),
      made: here('many'),
      source: many,
      target: 1,
    },
    free,
  )
}

await needPrograms(['lftp', 'curl'], ['lftp', 'curl'])
await withGround(async ground => {
  head('curl or lftp ms (CPU), and the speed of Holdall as a part of its own')
  for (const tls of ['none', 'explicit'] as const) {
    const server = await startVsftpd({ tls })
    try {
      await rows(tls, server, ground)
    } finally {
      await server.close()
    }
  }
})
