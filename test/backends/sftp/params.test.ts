import { describe, expect, it } from 'vitest'
import { DEFAULT_PARAMS, parseParams, shownParams } from '../../../src/remote/ssh/params.ts'

it('without any, paramiko’s defaults hold, with time-outs', () => {
  for (const none of [{}, null, '', 'None']) expect(parseParams(none)).toEqual(DEFAULT_PARAMS)
  expect(DEFAULT_PARAMS).toMatchObject({ port: 22, allowAgent: true, lookForKeys: true, compress: false, timeout: 30 })
})

it('take paramiko’s names and the same in camelCase, and None as not given', () => {
  const wanted = {
    port: 2222,
    username: 'media',
    password: 'p',
    pkey: 'KEY',
    keyFilename: ['/a', '~/b'],
    passphrase: 'q',
    timeout: 1.5,
    bannerTimeout: 2,
    authTimeout: 3,
    channelTimeout: 4,
    allowAgent: false,
    lookForKeys: false,
    compress: true,
  }
  const snake = {
    port: '2222',
    username: 'media',
    password: 'p',
    pkey: Buffer.from('KEY'),
    key_filename: ['/a', '~/b'],
    passphrase: 'q',
    timeout: 1.5,
    banner_timeout: 2,
    auth_timeout: '3',
    channel_timeout: 4,
    allow_agent: 'False',
    look_for_keys: 0,
    compress: true,
    gss_auth: false,
    sock: null,
  }
  expect(parseParams(snake)).toEqual({ ...DEFAULT_PARAMS, ...wanted })
  expect(parseParams(wanted)).toEqual({ ...DEFAULT_PARAMS, ...wanted })
  expect(parseParams({ password: null, key_filename: null })).toEqual(DEFAULT_PARAMS)
  expect(parseParams({ keyFilename: '/one' }).keyFilename).toEqual(['/one'])
})

describe('are refused clearly', () => {
  it.each([
    [{ gss_auth: true }, 'gss_auth: Kerberos (GSS-API) is not supported'],
    [{ gss_kex: true }, 'gss_kex: Kerberos'],
    [{ gss_host: 'h' }, 'gss_host: Kerberos'],
    [{ sock: {} }, 'sock: a socket of your own cannot be given'],
    [{ hostname: 'h' }, 'hostname: the host is a setting of its own, SFTP_STORAGE_HOST'],
    [{ transport_factory: 'x' }, 'transport_factory: it has no counterpart here'],
    [{ user: 'media' }, "there is no parameter 'user'"],
    [{ key_filenam: '/k' }, "there is no parameter 'key_filenam' (did you mean 'key_filename'?)"],
    [{ look_for_key: true }, "(did you mean 'look_for_keys'?)"],
    [{ port: 70_000 }, 'port: expected a port from 1 to 65535'],
    [{ timeout: 0 }, 'timeout: expected a number of seconds above 0'],
    [{ pkey: {} }, 'pkey: expected the text of a private key'],
    [{ key_filename: 5 }, 'key_filename: expected a path or a list of paths'],
    [{ key_filename: [''] }, 'key_filename: expected a path, got an empty one'],
    [{ password: 5 }, 'password: expected text'],
    [{ disabled_algorithms: { pubkeys: ['x'] } }, "disabled_algorithms: the list 'pubkeys' has no counterpart"],
    [{ disabled_algorithms: { cipher: [] } }, "there is no list 'cipher' (did you mean 'ciphers'?)"],
    [{ disabled_algorithms: { kex: 'x' } }, 'disabled_algorithms: kex: expected a list of names'],
    [[1], 'expected an object'],
  ])('%j', (raw, text) => {
    expect(() => parseParams(raw)).toThrow(text)
  })

  it('without a value in the text', () => {
    for (const raw of [{ password: ['s3cret'] }, { pkey: ['s3cret'] }, { 's3cret\u001b[2J': 1 }]) {
      expect(() => parseParams(raw)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('\u001b') }),
      )
    }
    expect(() => parseParams({ password: ['s3cret'] })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('s3cret') }),
    )
  })
})

it('disabled_algorithms keeps the lists that are given', () => {
  expect(parseParams({ disabled_algorithms: { macs: ['hmac-sha1'] } }).disabledAlgorithms).toEqual({
    kex: [],
    keys: [],
    ciphers: [],
    macs: ['hmac-sha1'],
    compression: [],
  })
})

it('are shown as they were given, without secrets', () => {
  const params = parseParams({ username: 'media', password: 'p', passphrase: 'q', pkey: 'k', port: 2222 })
  expect(shownParams(params)).toEqual({
    username: 'media',
    password: '***',
    passphrase: '***',
    pkey: '***',
    port: 2222,
  })
  expect(shownParams({})).toEqual({})
})
