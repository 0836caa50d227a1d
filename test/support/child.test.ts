import { expect, test } from 'vitest'
import { Child, runNode } from './child.ts'

const script = (code: string): string[] => ['-e', code]

test('what a process printed is returned when it ends well', async () => {
  const { stdout, stderr } = await runNode(script('process.stdin.pipe(process.stdout); console.error("noted")'), {
    input: 'in and out',
  })
  expect([stdout, stderr]).toEqual(['in and out', 'noted\n'])
})

test('a process that fails is told with its exit code, stderr and stdout', async () => {
  const failed = runNode(script('console.log("half done"); console.error("no such table"); process.exitCode = 3'))
  await expect(failed).rejects.toThrow(/exit code 3\n--- stderr\nno such table\n--- stdout\nhalf done$/)
})

test('a process that throws is told with its stack', async () => {
  await expect(runNode(script('throw new TypeError("deep inside")'))).rejects.toThrow(
    /exit code 1.*TypeError: deep inside/s,
  )
})

test('a process that ends before it is ready fails at once, with its stderr', async () => {
  const child = new Child(process.execPath, script('console.error("port is taken"); process.exit(9)'))
  await expect(child.printed(/ready/)).rejects.toThrow(/did not print \/ready\/; exit code 9.*port is taken/s)
})

test('a process that is killed is told with the signal', async () => {
  const child = new Child(process.execPath, script('console.log("ready"); setInterval(() => {}, 1000)'))
  expect((await child.printed(/rea(dy)/))[1]).toBe('dy')
  child.process.kill('SIGTERM')
  await expect(child.done()).rejects.toThrow('signal SIGTERM')
})

test('a process that hangs is killed in time, with what it printed', async () => {
  const hanging = runNode(script('console.error("waiting for the lock"); setInterval(() => {}, 1000)'), {
    timeoutMs: 1500,
  })
  await expect(hanging).rejects.toThrow(/did not end within 1500 ms; signal SIGKILL.*waiting for the lock/s)
})

test('a program that does not exist is told', async () => {
  await expect(new Child('/no/such/program', []).done()).rejects.toThrow('ENOENT')
  await expect(new Child('/no/such/program', []).printed(/x/)).rejects.toThrow('ENOENT')
})
