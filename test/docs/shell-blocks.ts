/** The commands of the pages: those of `holdall` are run, in a folder with a configuration; variables must be settings. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BACKENDS } from '../../src/config/backend-table.ts'
import { declaredSettings, resolveBackend } from '../../src/config/backends.ts'
import { staticSettings } from '../../src/config/static-settings.ts'
import type { AnySettings } from '../../src/core/settings.ts'
import { type Block, blocksOf, PAGES, ROOT, reasonOf } from './code-blocks.ts'

export const SHELL_BLOCKS: readonly Block[] = PAGES.flatMap(blocksOf).filter(({ language }) => language === 'sh')

/** Programs that are not run here, and why. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  npm: 'installs, or runs a script of package.json, which must exist',
  node: 'runs a file of the project, which must exist: .ci/run or a bench',
  curl: 'asks a server',
  docker: 'starts a server',
  aws: 'changes a bucket',
  gcloud: 'changes a bucket',
  az: 'changes an account',
  swift: 'changes a container',
  'ssh-keyscan': 'asks a host on the internet',
  'ssh-keygen': 'reads the keys of the user',
}

/** A line of a block, without its comment. */
export interface ShellLine {
  readonly place: string
  readonly text: string
}

export function linesOf(block: Block): readonly ShellLine[] {
  const lines = block.code.split('\n').map((text, index) => ({
    place: `${block.page}:${block.line + index}`,
    text: text.replace(/(?:^|\s+)#.*$/, '').trim(),
  }))
  return lines.filter(({ text }) => text !== '')
}

/** What is wrong with a line that is not a command of `holdall`; undefined where nothing is. */
export function complaintOf({ text }: ShellLine): string | undefined {
  const variable = /^([A-Z][A-Z0-9_]*)=/.exec(text)?.[1]
  // The assignments before a command are of that command.
  const command = text.replace(/^(?:[A-Z][A-Z0-9_]*=\S*\s+)+(?=[a-z])/, '')
  if (variable !== undefined && command === text) return KEYS.has(variable) ? undefined : `${variable} is no setting`
  for (const part of command.split('&&')) {
    const [program = '', ...words] = part.trim().split(/\s+/)
    if (NOT_RUN[program] === undefined) return `${program} is not known`
    if (program === 'npm' && words[0] === 'run' && !SCRIPTS.includes(words[1]!)) return `there is no script ${words[1]}`
    if (program === 'node' && !existsSync(join(ROOT, words[0]!))) return `there is no ${words[0]}`
  }
  return undefined
}

const SCRIPTS = Object.keys(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts)
const DECLARED = [staticSettings as AnySettings, ...BACKENDS.map(({ name }) => declaredSettings(resolveBackend(name)))]
/** The settings, and what the client libraries of the services read. */
const KEYS = new Set([
  ...DECLARED.flatMap(settings => Object.values(settings).flatMap(({ keys }) => keys)),
  ...['DEFAULT_FILE_STORAGE', 'STORAGES', 'LIBCLOUD_PROVIDERS', 'STORAGE_EMULATOR_HOST', 'HOLDALL_FLEET_URL'],
])

export const isHoldall = ({ text }: ShellLine): boolean => /^(?:npx )?holdall\b/.test(text)

const CONFIG = `
import { defineConfig } from 'holdall'
const folder = (location) => ({ BACKEND: 'local', OPTIONS: { location, baseUrl: '/' + location + '/', urlSecret: 'a secret of more than 16 bytes', keepMetadata: true } })
export default defineConfig({
  STORAGES: {
    default: folder('media'), static: folder('static'), staticfiles: folder('collected'), cdn: folder('cdn'),
    backup: folder('backup'), old: folder('old'), new: folder('new'), atmos: folder('atmos'), s3: folder('s3'),
    media: folder('other-media'), www: folder('www'), private: folder('private'),
  },
  STATICFILES_DIRS: ['assets'],
  STATICFILES_MANIFEST: true,
})
`
const MODELS = `
import { fileField, fileModel } from 'holdall/fields'
fileModel('resumes', { pdf: fileField({ uploadTo: 'pdfs' }) }).addUsers(async () => [])
`

/** Files that the commands of the pages name. */
const FILES: Readonly<Record<string, string>> = {
  'models.ts': MODELS,
  'site/index.html': '<!doctype html><title>Site</title>',
  'report.pdf': 'report',
  'a.txt': 'a',
  'assets/css/site.css': 'body { color: black }',
  'media/notes/hello.txt': 'hello',
  'media/a.pdf': 'a',
  'media/pdfs/orphan.pdf': 'orphan',
  'media/reports/2026/may.pdf': 'may',
  'media/users/a.txt': 'a',
  'static/www/index.html': '<!doctype html>',
  'other-media/photos/a.jpg': 'a',
  'photos/a.jpg': 'a',
  'old/a.txt': 'a',
  'new/a.txt': 'a',
  'atmos/a.txt': 'a',
}

/** Whether a command goes on until it is ended. */
const isServer = ({ text }: ShellLine): boolean => /\bholdall serve\b/.test(text) && !text.includes('--once')

/** Runs a server until its first line, which must be a URL, and ends it. */
const served = (command: string): string =>
  `coproc SERVER { exec ${command}; }; read -r url <&"\${SERVER[0]}"; kill -TERM $SERVER_PID; wait $SERVER_PID; [[ $? == 143 && $url == http://* ]]`

/** Runs the commands of one block, one after the other; returns those that failed, with what they printed. */
export function runBlock(block: Block): string[] {
  if (reasonOf(block) !== undefined) return []
  const folder = mkdtempSync(join(tmpdir(), 'holdall-shell-'))
  try {
    chmodSync(folder, 0o700)
    const all = { ...FILES, 'holdall.config.ts': block.code.includes('holdall init') ? undefined : CONFIG }
    for (const [name, text] of Object.entries(all)) {
      if (text === undefined) continue
      mkdirSync(join(folder, name, '..'), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    const preload = join(ROOT, 'test/support/holdall-source.ts')
    const command = `exec "${process.execPath}" --import "${preload}" "${join(ROOT, 'src/cli/bin.ts')}" "$@"`
    writeFileSync(join(bin, 'holdall'), `#!/bin/sh\n${command}\n`, { mode: 0o755 })
    writeFileSync(join(bin, 'npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
    const { HOLDALL_CONFIG: _, ...rest } = process.env
    const env = {
      ...rest,
      PATH: `${bin}:${process.env['PATH']}`,
      PAGER: 'cat',
      NODE_NO_WARNINGS: '1',
      XDG_STATE_HOME: folder,
    }
    const failed: string[] = []
    for (const line of linesOf(block).filter(isHoldall)) {
      const script = isServer(line) ? served(line.text) : line.text
      const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', script], {
        cwd: folder,
        env,
        encoding: 'utf8',
        timeout: 50_000,
      })
      if (status !== 0) failed.push(`${line.place}: ${line.text}: exit code ${status}\n${stdout}${stderr}`)
      // The page begins without a configuration and goes on with one that has its storages.
      if (/^holdall init/.test(line.text)) writeFileSync(join(folder, 'holdall.config.ts'), CONFIG)
    }
    return failed
  } finally {
    rmSync(folder, { recursive: true })
  }
}
