/**
 * Holdall's SFTP storage against OpenSSH's `sftp -b`, over OpenSSH's server from Debian's packages.
 *
 *     node scripts/build.ts && node bench/sftp.ts     # all rows; as root
 *     node bench/sftp.ts '256 MiB'                    # rows whose title contains the text
 *     BENCH_DIR=/tmp node bench/sftp.ts               # where the files lie; in memory by default
 *     BENCH_ROUNDS=3 node bench/sftp.ts               # quicker, rougher
 *     BENCH_DIST=DIR node bench/sftp.ts               # another build: dist of a folder that has its own ssh2 beside it
 */
import { join } from 'node:path'
import { startSshd } from '../test/servers/sshd.ts'
import { head, type Program, row, withGround } from './clients/programs.ts'
import type { Work } from './clients/worker.ts'

await withGround(async ({ large, many, free }) => {
  const server = await startSshd()
  try {
    const { port, user, keyPath, knownHosts, path } = server
    const words = ['-q', '-b', '-', '-i', keyPath, '-P', String(port), '-o', `UserKnownHostsFile=${knownHosts}`]
    const target = `${user}@127.0.0.1`
    const sftp = (input: string): Program[] => [
      { title: 'sftp', program: 'sftp', words: [...words, target], input },
      { title: 'sftp with AES-GCM', program: 'sftp', words: ['-c', 'aes128-gcm@openssh.com', ...words, target], input },
    ]
    const params = { port, username: user, keyFilename: keyPath, allowAgent: false, lookForKeys: false }
    // `sftp` asks for no fsync unless it is told to, so both ways are shown.
    const unsynced = (work: Work): Work => ({ ...work, options: { ...work.options, fsync: false } })
    const worker = {
      module: join(process.env['BENCH_DIST'] ?? join(import.meta.dirname, '../dist'), 'backends/sftp/index.js'),
      className: 'SftpStorage',
      options: { host: '127.0.0.1', rootPath: path, params, knownHostFile: knownHosts },
    }
    const here = (name: string): string => join(server.files, name)
    head('sftp ms (CPU), and the speed of Holdall as a part of its own')
    await row(
      {
        title: '256 MiB up',
        work: { ...worker, do: 'up', local: large, remote: 'large' },
        programs: [
          ...sftp(`put ${large} ${path}/large\n`),
          ...sftp(`put -f ${large} ${path}/large\n`)
            .slice(0, 1)
            .map(one => ({ ...one, title: 'sftp with fsync' })),
        ],
        made: here('large'),
        source: large,
        target: 0.9,
      },
      free,
    )
    await row(
      {
        title: '256 MiB up, fsync: false',
        work: unsynced({ ...worker, do: 'up', local: large, remote: 'large' }),
        programs: sftp(`put ${large} ${path}/large\n`),
        made: here('large'),
        source: large,
        target: 0.9,
      },
      free,
    )
    await row(
      {
        title: '256 MiB down',
        work: { ...worker, do: 'down', local: free, remote: 'large' },
        programs: sftp(`get ${path}/large ${free}\n`),
        made: here('large'),
        source: large,
        target: 0.9,
      },
      free,
    )
    await row(
      {
        title: '1,000 files of 4 KiB up',
        work: { ...worker, do: 'many up', local: many, remote: 'many' },
        programs: sftp(`put -R ${many} ${path}/many\n`),
        made: here('many'),
        source: many,
        target: 1,
      },
      free,
    )
    await row(
      {
        title: '1,000 files of 4 KiB up, fsync: false',
        work: unsynced({ ...worker, do: 'many up', local: many, remote: 'many' }),
        programs: sftp(`put -R ${many} ${path}/many\n`),
        made: here('many'),
        source: many,
        target: 1,
      },
      free,
    )
    await row(
      {
        title: '1,000 files of 4 KiB down',
        work: { ...worker, do: 'many down', local: free, remote: 'many' },
        programs: sftp(`get -R ${path}/many ${free}\n`),
        made: here('many'),
        source: many,
        target: 1,
      },
      free,
    )
  } finally {
    await server.close()
  }
})
