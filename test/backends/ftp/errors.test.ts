import { describe, expect, test } from 'vitest'
import {
  classifyFtp,
  FtpConnectionError,
  FtpReplyError,
  isLost,
  isServerFull,
  loginError,
  notApplied,
  saysMissing,
} from '../../../src/backends/ftp/errors.ts'

const refusal = (status: number, text: string, verb = 'RETR') =>
  new FtpReplyError(verb, { code: status, message: `${status} ${text}` })

test.each([
  [550, '/x: No such file or directory', 'not_found'],
  [550, "Sorry, but that file doesn't exist", 'not_found'],
  [550, 'The system cannot find the file specified.', 'not_found'],
  [550, 'File not found', 'not_found'],
  [450, 'No such file or directory', 'not_found'],
  [550, 'Failed to open file.', 'permission_denied'],
  [550, 'Permission denied', 'permission_denied'],
  [550, "Can't open x: access denied or not found", 'permission_denied'],
  [550, 'Disk quota exceeded', 'no_space'],
  [550, '/a*b: Invalid directory name', 'suspicious_name'],
  [553, 'Illegal file name', 'suspicious_name'],
  [553, 'Could not create file.', 'permission_denied'],
  [450, 'File busy', 'unavailable'],
  [421, 'Timeout.', 'unavailable'],
  [421, 'Too many connections (4) from this IP', 'throttled'],
  [425, 'No data connection', 'unavailable'],
  [426, 'Aborted', 'unavailable'],
  [451, 'Local error', 'unavailable'],
  [452, 'Full', 'no_space'],
  [552, 'Quota', 'no_space'],
  [502, 'Not implemented', 'unsupported'],
  [522, 'Session reuse required', 'improperly_configured'],
  [530, 'Login incorrect.', 'permission_denied'],
  [530, 'Sorry, the maximum number of clients (4) are already connected.', 'throttled'],
  [551, 'Odd', 'unknown'],
] as const)('%i %s is %s', (status, text, code) => {
  expect(classifyFtp(refusal(status, text))).toBe(code)
})

test('other errors have no code', () => {
  expect(classifyFtp(new Error('foreign'))).toBeUndefined()
  expect(classifyFtp(new FtpConnectionError('lost'))).toBe('unavailable')
  expect(classifyFtp(new FtpConnectionError('late', { kind: 'timeout' }))).toBe('timeout')
})

test('what is no folder is missing to a file below it, and there to whoever wants to enter it', () => {
  const error = refusal(550, 'a: Not a directory', 'CWD')
  expect(saysMissing(error)).toBe(true)
  expect(saysMissing(error, { isFolder: true })).toBe(false)
})

test('a connection is lost by its end and by 421, and full by words of numbers', () => {
  expect([isLost(new FtpConnectionError('x')), isLost(refusal(421, 'bye')), isLost(refusal(426, 'x'))]).toEqual([
    true,
    true,
    false,
  ])
  expect([isServerFull(refusal(421, 'x')), isServerFull(refusal(530, 'Too many users'))]).toEqual([true, true])
  expect(isServerFull(refusal(530, 'Login incorrect'))).toBe(false)
})

describe('a refused login', () => {
  test('names the user, and what helps', () => {
    expect(loginError(refusal(530, 'Login incorrect.'), 'anna')).toMatchObject({
      code: 'permission_denied',
      status: 530,
      outcome: 'not_applied',
      message: "The login of 'anna' was refused: 530 Login incorrect.",
    })
    const error = loginError(refusal(530, 'Non-anonymous sessions must use encryption.'), 'anna')
    expect((error as Error).message).toMatch(/write ftps:\/\/ in FTP_STORAGE_LOCATION/)
  })

  test('for a while, or for the number of connections, is none of the password', () => {
    for (const error of [refusal(421, 'Too many'), refusal(530, 'Maximum reached')]) {
      expect(loginError(error, 'anna')).toBe(error)
    }
    for (const status of [430, 431, 434, 454]) {
      const error = refusal(status, 'Access denied for now')
      expect(loginError(error, 'anna')).toBe(error)
      expect(classifyFtp(error)).toBe('unavailable')
    }
  })
})

test('many lines are one, and a long one is cut', () => {
  const message = `550-First\n550-second\n550 ${'x'.repeat(400)}`
  const error = new FtpReplyError('RETR', { code: 550, message })
  expect(error.text).toContain('First second xxx')
  expect(error.message.length).toBeLessThan(350)
  expect(notApplied(error)).toMatchObject({ outcome: 'not_applied' })
})
