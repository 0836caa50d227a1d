import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DropboxError } from '../../../src/backends/dropbox/index.ts'
import { isStorageError } from '../../../src/core/errors.ts'
import type { Scripted } from '../../support/scripted-client.ts'
import { FILE, refusal, scripted } from './scripted.ts'

// No wait before another try.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => vi.restoreAllMocks())

const failed = async (answer: Scripted, call: (files: ReturnType<typeof scripted>) => Promise<unknown>) => {
  const error = await call(scripted(() => answer)).catch(reason => reason)
  if (!isStorageError(error)) throw new Error(`no StorageError: ${error}`)
  return error
}
const stat = (files: ReturnType<typeof scripted>) => files.stat('a')
const save = (files: ReturnType<typeof scripted>) => files.save('a', 'text', { overwrite: true })
const answer = (status: number, body = '', headers: Record<string, string> = {}): Scripted => ({
  status,
  body,
  headers,
})

describe('the code of an error is that of its tags', () => {
  it.each([
    [['path', 'not_found'], 'not_found'],
    [['path', 'not_file'], 'is_directory'],
    [['path', 'not_folder'], 'not_a_directory'],
    [['path', 'malformed_path'], 'suspicious_name'],
    [['path', 'restricted_content'], 'permission_denied'],
    [['path', 'locked'], 'permission_denied'],
    [['path', 'unsupported_content_type'], 'unsupported'],
    [['unsupported_file'], 'unsupported'],
    [['path', 'other'], 'unknown'],
    [['something_new'], 'unknown'],
  ])('%j of a question: %s', async (tags, code) => {
    const error = await failed(refusal(...tags), stat)
    expect(error).toMatchObject({ code, status: 409 })
    expect(error.cause).toBeInstanceOf(DropboxError)
    expect((error.cause as DropboxError).serviceCode).toBe(tags.join('/'))
  })

  it.each([
    [['path', 'conflict', 'file'], 'precondition_failed'],
    [['path', 'conflict', 'folder'], 'is_directory'],
    [['path', 'conflict', 'file_ancestor'], 'not_a_directory'],
    [['path', 'disallowed_name'], 'suspicious_name'],
    [['path', 'no_write_permission'], 'permission_denied'],
    [['path', 'team_folder'], 'permission_denied'],
    [['path', 'access_restricted'], 'permission_denied'],
    [['path', 'operation_suppressed'], 'permission_denied'],
    [['path', 'insufficient_space'], 'no_space'],
    [['path', 'team_folder_insufficient_space'], 'no_space'],
    [['path', 'too_many_write_operations'], 'throttled'],
    [['payload_too_large'], 'too_large'],
    [['content_hash_mismatch'], 'checksum_mismatch'],
  ])('%j of an upload: %s, and nothing was done', async (tags, code) => {
    expect(await failed(refusal(...tags), save)).toMatchObject({ code, outcome: 'not_applied' })
  })

  it('is found behind the reason that an upload tells, too', async () => {
    const error = {
      '.tag': 'path',
      reason: { '.tag': 'conflict', conflict: { '.tag': 'folder' } },
      upload_session_id: 'x',
    }
    const said = answer(409, JSON.stringify({ error_summary: 'path/conflict/folder/', error }))
    expect(await failed(said, save)).toMatchObject({ code: 'is_directory' })
  })

  it('is not that of a text within: what a tag has may be anything', async () => {
    const error = { '.tag': 'path', path: { '.tag': 'malformed_path', malformed_path: 'not_found' } }
    expect(await failed(answer(409, JSON.stringify({ error })), stat)).toMatchObject({ code: 'suspicious_name' })
  })

  it('is bounded, however deep the answer is', async () => {
    const deep = `${'{".tag":"a","a":'.repeat(3000)}{}${'}'.repeat(3000)}`
    expect(await failed(answer(409, `{"error":${deep}}`), stat)).toMatchObject({ code: 'unknown' })
    const reasons = `${'{"reason":'.repeat(5000)}{}${'}'.repeat(5000)}`
    expect(await failed(answer(429, `{"error":${reasons}}`), stat)).toMatchObject({ code: 'throttled' })
  })
})

describe('the status tells where there are no tags', () => {
  it.each([
    [400, 'invalid_argument'],
    [401, 'permission_denied'],
    [403, 'permission_denied'],
    [404, 'improperly_configured'],
    [409, 'unavailable'],
    [416, 'invalid_range'],
    [422, 'invalid_argument'],
    [429, 'throttled'],
    [500, 'unavailable'],
    [503, 'unavailable'],
  ])('%i: %s, whatever the body is', async (status, code) => {
    const bodies = [
      '',
      'null',
      '[]',
      '"text"',
      '{',
      '{"error":5}',
      '{"error":null}',
      '<html><h1>Sorry</h1></html>',
      '\u0000\uffff',
    ]
    for (const body of bodies) expect(await failed(answer(status, body), stat), body).toMatchObject({ code, status })
  })

  it('with the sentence of a plain text', async () => {
    const plain = { 'content-type': 'text/plain; charset=utf-8', 'x-dropbox-request-id': 'req-1' }
    const error = await failed(answer(400, 'Error in call: bad field', plain), stat)
    expect(error.message).toContain('Error in call: bad field')
    expect(error.requestId).toBe('req-1')
    expect((await failed(answer(503, '<html>no</html>', plain), stat)).message).not.toContain('html')
  })
})

describe('how long to wait', () => {
  const limited = (body: string, headers: Record<string, string> = {}) => failed(answer(429, body, headers), stat)

  it.each<[string, number | undefined, string, Record<string, string>]>([
    ['is told by the header', 7000, '', { 'retry-after': '7' }],
    ['is told by the body alone', 9000, '{"error":{"reason":{".tag":"too_many_requests"},"retry_after":9}}', {}],
    [
      'is that of the header where both tell it',
      3000,
      '{"error":{"reason":{".tag":"x"},"retry_after":9}}',
      { 'retry-after': '3' },
    ],
    ['may not be told', undefined, '{"error":{"reason":{".tag":"too_many_write_operations"}}}', {}],
    ['may be told in a way that is none', undefined, '{"error":{"retry_after":"soon"}}', { 'retry-after': 'later' }],
    ['is never less than nothing', undefined, '{"error":{"retry_after":-3}}', {}],
  ])('%s', async (_, retryAfterMs, body, headers) => {
    expect(await limited(body, headers)).toMatchObject({ code: 'throttled', retryable: true, retryAfterMs })
  })

  it('is bounded by the number of tries, in all forms of the answer', async () => {
    const forms = [
      answer(429),
      answer(429, '<html>'),
      refusal('path', 'too_many_write_operations'),
      answer(503, '<html>'),
      answer(500),
    ]
    for (const form of forms) {
      const files = scripted(() => form, { maxAttempts: 2 })
      await expect(files.save('a', 'text', { overwrite: true })).rejects.toMatchObject({ retryable: true })
      expect(files.asked).toHaveLength(2)
    }
  })

  it('and then it goes on', async () => {
    const files = scripted((_, count) => (count === 1 ? answer(429, 'slow down') : { json: FILE }), { maxAttempts: 2 })
    expect(await files.size('a')).toBe(4)
  })
})
