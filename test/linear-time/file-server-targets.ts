import { problemOf } from '../../src/backends/dropbox/names.ts'
import { dropboxSettings } from '../../src/backends/dropbox/settings.ts'
import { parseFacts } from '../../src/backends/ftp/facts.ts'
import { parseListLine } from '../../src/backends/ftp/listing-lines.ts'
import { parseLocation } from '../../src/backends/ftp/location.ts'
import { checkKey } from '../../src/backends/ftp/paths.ts'
import { epsvTarget, featuresIn, pasvTarget, pathIn, sizeIn, timeIn } from '../../src/backends/ftp/replies.ts'
import { ftpSettings } from '../../src/backends/ftp/settings.ts'
import { sftpSettings } from '../../src/backends/sftp/settings.ts'
import type { Setting } from '../../src/core/settings.ts'
import { knownKeys, knownName } from '../../src/remote/ssh/known-hosts.ts'
import { parseParams } from '../../src/remote/ssh/params.ts'
import { quietly, type Target } from './target.ts'

/** What FTP servers, known_hosts files and users of FTP, SFTP and Dropbox write. */
export const ofFileServers: readonly Target[] = [
  {
    title: 'a line of LIST',
    parts: [
      '-',
      'd',
      'rw-r--r--',
      ' ',
      '1',
      '1,000',
      'Nov',
      '28',
      '19:01',
      '2025-11-28',
      '01-01-25',
      '<DIR>',
      'AM',
      '+',
      'a',
    ],
    run: input => [parseListLine(input), parseListLine(`-rw-r--r-- ${input}`), parseListLine(`01-01-25 ${input}`)],
  },
  {
    title: 'a line of MLSD',
    parts: ['type=', 'file', 'size=', '1', ';', '=', ' ', 'modify=', '20251128190100', 'a', '.'],
    run: input => parseFacts(input),
  },
  {
    title: 'answers of FTP',
    parts: ['\n', ' ', '-', '211', '|', '(', ')', ',', '1', '"', '""', 'SIZE', '.'],
    run: input => {
      for (const code of [211, 213, 227, 229, 257]) {
        const reply = { code, message: `${code} ${input}` }
        for (const read of [pathIn, sizeIn, epsvTarget, pasvTarget, featuresIn]) read(reply)
      }
      timeIn(input)
    },
  },
  {
    title: 'a location of FTP',
    parts: ['ftp://', 'a', ':', '@', '/', '%', '%2F', '[', ']', '21', '.', '\\'],
    run: input => [quietly(() => parseLocation(input)), quietly(() => parseLocation(`ftp://${input}`))],
  },
  {
    title: 'names of FTP and Dropbox',
    parts: ['/', ' ', '.', 'a', '~', '\r', '😀', '-'],
    length: 8000,
    run: input => [quietly(() => checkKey(input, 'utf-8')), problemOf(input)],
  },
  {
    title: 'known_hosts',
    parts: ['|1|', '|', ' ', ',', '*', '?', '!', '[', ']', ':22', 'a', '@revoked', 'ssh-rsa', 'AAAA', '=', '\n', '#'],
    run: input => [
      quietly(() => knownKeys(input, knownName('a.example', 22))),
      quietly(() => knownKeys(`${input} ssh-rsa AAAA`, knownName('aaaaaaaaaaaaaaaaaaaaaaaaaaaa', 2222))),
    ],
  },
  {
    title: 'parameters of SFTP',
    parts: ['{', '}', '"port":', '"', ':', ',', ' ', '1', 'a', '\\'],
    run: input => quietly(() => parseParams(input)),
  },
  {
    title: 'settings of FTP, SFTP and Dropbox',
    parts: ['1', '_', '0o', ',', ' ', '{', '[', '"a":', 'a', '-', 'true', ':', '/'],
    length: 20_000,
    run(input) {
      for (const settings of [ftpSettings, sftpSettings, dropboxSettings]) {
        for (const setting of Object.values<Setting<unknown>>(settings)) quietly(() => setting.parse(input))
      }
    },
  },
]
