import { expect, it } from 'vitest'
import { SftpError, SftpStorage } from '../../../src/backends/sftp/index.ts'
import { wrapError } from '../../../src/core/errors.ts'

const { driver } = new SftpStorage({ host: 'h' }, { settings: {}, env: {} }).calls

it.each([
  [2, 'not_found'],
  [3, 'permission_denied'],
  [4, 'unknown'],
  [5, 'suspicious_name'],
  [7, 'unavailable'],
  [8, 'unsupported'],
  [10, 'not_found'],
  [11, 'exists'],
  [14, 'no_space'],
  [15, 'no_space'],
  [18, 'is_directory'],
  [19, 'not_a_directory'],
  [24, 'is_directory'],
  [99, 'unknown'],
])('code %d of a server is %s, and nothing was done', (status, code) => {
  const error = wrapError(new SftpError('OPEN', status, 'said so'), { operation: 'open', fileName: 'a' }, each =>
    driver.classify(each),
  )
  expect([error.code, error.outcome, error.status]).toEqual([code, 'not_applied', status])
})

it('a failure that tells of a full disk in words is no_space', () => {
  for (const text of ['No space left on device', 'Disk quota exceeded', 'disk full']) {
    expect(driver.classify(new SftpError('WRITE', 4, text))).toBe('no_space')
  }
})

it('the message has the request, the server’s words without control characters, and the code', () => {
  expect(new SftpError('RENAME', 3, 'Permission\u001b[31m\ndenied').message).toBe('RENAME: Permission [31m denied (3)')
  expect(new SftpError('OPEN', 4, 'x'.repeat(500)).message.length).toBeLessThan(230)
})
