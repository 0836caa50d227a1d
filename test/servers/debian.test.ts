/** Installing by an apt that fails: three tries, and what it said. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { needPrograms, unpackedPackages } from './debian.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdall-apt-'))
  await program('flock', 'shift 3; exec "$@"')
  await program('sudo', 'shift; exec "$@"')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, name), 0o755)
}

const path = (): string => [folder, '/usr/bin', '/bin'].join(delimiter)

test('a package that apt cannot find fails after three tries, with what apt printed', async () => {
  await program('apt-get', `echo x >> ${folder}/tries; echo "E: Unable to locate package no-such-ceph" >&2; exit 100`)
  await expect(needPrograms(['no-such-program'], ['no-such-ceph'], path())).rejects.toThrow(
    /installing no-such-ceph failed 3 times.*try 3 of 3.*exit code 100.*E: Unable to locate package no-such-ceph/s,
  )
  expect(await readFile(join(folder, 'tries'), 'utf8')).toBe('x\nx\nx\n')
})

test('a mirror that fails twice is asked a third time', async () => {
  const made = `printf '#!/bin/sh\\n' > ${folder}/late-program`
  await program(
    'apt-get',
    `echo x >> ${folder}/tries; if [ $(wc -l < ${folder}/tries) -lt 3 ]; then echo "E: timed out" >&2; exit 100; fi
     case "$*" in *install*) ${made} ;; esac`,
  )
  await needPrograms(['late-program'], ['late'], path())
  expect(await readFile(join(folder, 'tries'), 'utf8')).toBe('x\nx\nx\nx\n')
})

test('a package that does not bring its program is told', async () => {
  await program('apt-get', 'exit 0')
  await expect(needPrograms(['no-such-program'], ['empty'], path())).rejects.toThrow(
    'no-such-program is missing after installing empty',
  )
})

test('a package that cannot be downloaded fails after three tries, the later ones with fresh lists', async () => {
  await program('apt-get', `echo "$*" >> ${folder}/tries; echo "E: no such download" >&2; exit 100`)
  await expect(unpackedPackages(['no-such-server'], path())).rejects.toThrow(
    /unpacking no-such-server failed 3 times.*try 3 of 3.*E: no such download/s,
  )
  const tries = (await readFile(join(folder, 'tries'), 'utf8')).trimEnd().split('\n')
  expect(tries.map(words => /download|update/.exec(words)?.[0])).toEqual(['download', 'update', 'update'])
})
