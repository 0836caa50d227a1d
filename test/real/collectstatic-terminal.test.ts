/** The question of `holdall collectstatic` on a real terminal, which `script` of Debian's bsdutils makes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StaticSite } from '../cli/static-site.ts'
import { builtPackage } from '../support/built.ts'
import { Child } from '../support/child.ts'

const bin = `${await builtPackage()}/dist/cli/bin.js`
let site: StaticSite
beforeAll(async () => {
  site = await StaticSite.make()
  for (const name of ['src/a.css', 'src/b.css', 'out/old.css']) await site.write(name)
})
afterAll(() => site[Symbol.asyncDispose]())

/** Starts the command on a terminal of its own. */
function onTerminal(...args: string[]): Child {
  const command = [process.execPath, bin, 'collectstatic', ...args].map(each => `'${each}'`).join(' ')
  const env = { PATH: process.env['PATH'], TERM: 'xterm' }
  return new Child('script', ['-q', '-e', '-f', '-c', command, '/dev/null'], { cwd: site.dir, env })
}
const QUESTION = /Type 'yes' to continue, or 'no' to cancel: $/

describe('on a terminal', () => {
  test('another answer than yes cancels', async () => {
    await using child = onTerminal()
    await child.printed(QUESTION)
    child.process.stdin.write('no\n')
    const { stdout } = await child.done(1)
    expect(stdout).toContain(`\r\n    ${site.path('out')}\r\n\r\nThis will overwrite existing files!\r\n`)
    expect(stdout).toContain('Collecting static files cancelled.')
    expect(await site.names()).toEqual(['old.css'])
  })

  test('Ctrl-C and the end of input at the question change nothing', async () => {
    await using stopped = onTerminal('--clear')
    await stopped.printed(QUESTION)
    stopped.process.stdin.write('\x03')
    await stopped.done(130)
    await using ended = onTerminal('--clear')
    await ended.printed(QUESTION)
    ended.process.stdin.write('\x04')
    await ended.done(1)
    expect(await site.names()).toEqual(['old.css'])
  })

  test('yes goes on, with a bar that is gone at the end', async () => {
    await using child = onTerminal()
    await child.printed(QUESTION)
    child.process.stdin.write('yes\n')
    const { stdout } = await child.done()
    expect(stdout.trimEnd().split('\r\n').at(-1)).toMatch(/^2 static files copied to '.*out'\.$/)
    expect(stdout).toContain('of 2 files')
    expect(await site.names()).toEqual(['a.css', 'b.css', 'old.css'])
  })

  test('nothing is asked with --noinput', async () => {
    await using child = onTerminal('--noinput')
    const { stdout } = await child.done()
    expect(stdout).not.toMatch(/continue/)
    expect(stdout).toContain('2 unmodified')
  })
})
