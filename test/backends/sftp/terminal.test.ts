/** Questions on a terminal. The terminal is a stream that says that it is one. */
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { terminalAsk } from '../../../src/remote/ssh/prompts.ts'

function terminal(isTTY: boolean) {
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode: () => input })
  const output = new PassThrough()
  let shown = ''
  output.on('data', chunk => {
    shown += chunk
  })
  return { input, output, shown: () => shown }
}

const never = new AbortController().signal
const password = { prompt: "media@files.test's password: ", echo: false }

/** Types an answer as soon as the prompt is shown. */
async function answer(given: ReturnType<typeof terminal>, prompt: string, typed: string): Promise<void> {
  while (!given.shown().includes(prompt)) await new Promise(setImmediate)
  given.input.write(typed)
}

describe('a person at a terminal', () => {
  it('is asked, and what is typed of a password is not shown', async () => {
    const given = terminal(true)
    const ask = terminalAsk(given)!
    const answers = ask({ name: '', instructions: '', prompts: [password] }, { signal: never })
    await answer(given, password.prompt, 'correct horse\r')
    expect(await answers).toEqual(['correct horse'])
    expect(given.shown()).toContain(password.prompt)
    expect(given.shown()).not.toMatch(/correct|horse|\*/)
  })

  it('sees what is typed where the server says so, and the words of the server first', async () => {
    const given = terminal(true)
    const prompts = [{ prompt: 'Code: ', echo: true }, password]
    const answers = terminalAsk(given)!(
      { name: 'Login', instructions: 'Look at your phone', prompts },
      { signal: never },
    )
    await answer(given, 'Code: ', '42\r')
    await answer(given, password.prompt, 'secret\r')
    expect(await answers).toEqual(['42', 'secret'])
    expect(given.shown()).toMatch(/^Login\r?\nLook at your phone\r?\nCode: .*42/s)
    expect(given.shown()).not.toContain('secret')
  })

  it('is shown nothing of a server that a terminal would act on', async () => {
    const given = terminal(true)
    const prompts = [{ prompt: '\u001b[2J\u009b31mType: \u202e', echo: true }]
    const answers = terminalAsk(given)!({ name: '\u0007', instructions: '', prompts }, { signal: never })
    await answer(given, 'Type: ', 'x\r')
    await answers
    expect(given.shown().split('Type: ')[0]).not.toMatch(/[\u001b\u009b\u0007]/)
    expect(given.shown()).not.toContain('\u202e')
  })

  it.each([
    ['Ctrl+C', '\u0003'],
    ['Ctrl+D', '\u0004'],
  ])('who presses %s gives no answer', async (_title, typed) => {
    const given = terminal(true)
    const answers = terminalAsk(given)!({ name: '', instructions: '', prompts: [password] }, { signal: never })
    await answer(given, password.prompt, typed)
    await expect(answers).rejects.toMatchObject({ code: 'aborted' })
  })

  it('is no longer asked when the call is aborted', async () => {
    const given = terminal(true)
    const controller = new AbortController()
    const answers = terminalAsk(given)!({ name: '', instructions: '', prompts: [password] }, controller)
    while (!given.shown().includes(password.prompt)) await new Promise(setImmediate)
    controller.abort(new Error('enough'))
    await expect(answers).rejects.toThrow('enough')
    expect(given.input.listenerCount('keypress')).toBe(0)
  })
})

it('nobody is asked where the input is no terminal', () => {
  expect(terminalAsk(terminal(false))).toBeUndefined()
})
