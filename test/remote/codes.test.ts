import { describe, expect, test } from 'vitest'
import { type ErrorCode, StorageError } from '../../src/core/errors.ts'
import { classifyHttp, serviceCodeOf } from '../../src/remote/codes.ts'
import { HttpStatusError } from '../../src/remote/http-error.ts'

const request = { method: 'GET', url: 'https://host.test/bucket/key' }

function made(status: number, serviceCode?: string): HttpStatusError {
  return new HttpStatusError(request, { status, headers: {}, serviceCode })
}

describe('classifyHttp', () => {
  test.each([
    [301, undefined, 'improperly_configured'],
    [304, undefined, 'precondition_failed'],
    [400, undefined, 'invalid_argument'],
    [401, undefined, 'permission_denied'],
    [403, undefined, 'permission_denied'],
    [404, undefined, 'not_found'],
    [410, undefined, 'not_found'],
    [408, undefined, 'timeout'],
    [409, 'BlobAlreadyExists', 'exists'],
    [409, 'Conflict', 'precondition_failed'],
    [412, undefined, 'precondition_failed'],
    [413, undefined, 'too_large'],
    [416, undefined, 'invalid_range'],
    [429, undefined, 'throttled'],
    [500, undefined, 'unavailable'],
    [501, undefined, 'unsupported'],
    [503, undefined, 'unavailable'],
    [503, 'SlowDown', 'throttled'],
    [503, 'ServerBusy', 'throttled'],
    [507, undefined, 'no_space'],
    [599, undefined, 'unavailable'],
    [418, undefined, undefined],
  ])('%i %s is %s', (status, serviceCode, code) => {
    expect(classifyHttp(made(status, serviceCode))).toBe(code)
  })

  test.each(['PUT', 'POST', 'PATCH'])('a 404 to %s is not a missing file', method => {
    const error = new HttpStatusError({ ...request, method }, { status: 404, headers: {} })
    expect(classifyHttp(error)).toBe('improperly_configured')
    const ofSource = new HttpStatusError({ ...request, method }, { status: 404, headers: {}, seeksFile: true })
    expect(classifyHttp(ofSource)).toBe('not_found')
  })

  test("a service's own word counts more than the status, except for where a file is missing", () => {
    const codes = new Map<string, ErrorCode>([
      ['NoSuchKey', 'not_found'],
      ['Full', 'no_space'],
    ])
    const error = (method: string, serviceCode: string) =>
      new HttpStatusError({ ...request, method }, { status: 400, headers: {}, serviceCode })
    expect(classifyHttp(error('GET', 'NoSuchKey'), codes)).toBe('not_found')
    expect(classifyHttp(error('PUT', 'NoSuchKey'), codes)).toBe('improperly_configured')
    expect(classifyHttp(error('PUT', 'Full'), codes)).toBe('no_space')
    expect(classifyHttp(error('PUT', 'Other'), codes)).toBe('invalid_argument')
  })

  test('a StorageError keeps its code', () => {
    expect(classifyHttp(new StorageError('exists', 'x'))).toBe('exists')
  })

  test('knows no other errors', () => {
    expect(classifyHttp(Object.assign(new Error('x'), { status: 404 }))).toBeUndefined()
    expect(classifyHttp(undefined)).toBeUndefined()
  })
})

test("the service's own word is found in an error and in its cause", () => {
  const native = made(404, 'no_such_upload')
  expect(serviceCodeOf(native)).toBe('no_such_upload')
  expect(serviceCodeOf(new StorageError('not_found', 'gone', { cause: native }))).toBe('no_such_upload')
  expect(serviceCodeOf(made(404))).toBeUndefined()
  expect(serviceCodeOf(new Error('other'))).toBeUndefined()
})
