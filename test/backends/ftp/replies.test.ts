import { describe, expect, test } from 'vitest'
import {
  epsvTarget,
  featuresIn,
  pasvTarget,
  pathIn,
  type Reply,
  sizeIn,
  timeIn,
  timeText,
} from '../../../src/backends/ftp/replies.ts'

const reply = (message: string): Reply => ({ code: Number(message.slice(0, 3)), message })

test.each([
  ['257 "/a b" is the current directory', '/a b'],
  ['257 "/with ""quotes"" in it"', '/with "quotes" in it'],
  ['257 "/"', '/'],
  ['257 /no quotes', undefined],
  ['250 "/x"', undefined],
])('the path of %s', (message, path) => {
  expect(pathIn(reply(message))).toBe(path)
})

test.each([
  ['213 1234', 1234],
  ['213 0', 0],
  ['213 5555, some commentary', 5555],
  ['213 File status', undefined],
  ['213 -1', undefined],
  ['213 1.5', undefined],
  ['213 99999999999999999999', undefined],
  ['200 12', undefined],
])('the size of %s', (message, size) => {
  expect(sizeIn(reply(message))).toBe(size)
})

describe('times', () => {
  test.each([
    ['20261128190102', '2026-11-28T19:01:02.000Z'],
    ['20261128190102.123456', '2026-11-28T19:01:02.123Z'],
    ['20240229000000', '2024-02-29T00:00:00.000Z'],
  ])('%s', (text, time) => {
    expect(timeIn(text)?.toISOString()).toBe(time)
  })

  test.each(['2026112819010', '20260229000000', '20261301000000', '20261128250000', 'never', ''])('none: %s', text => {
    expect(timeIn(text)).toBeUndefined()
  })

  test('are written as MFMT takes them', () => {
    expect(timeText(new Date('2026-11-28T19:01:02.900Z'))).toBe('20261128190102')
  })
})

describe('where the server waits', () => {
  test.each([
    ['229 Entering Extended Passive Mode (|||6446|)', 6446],
    ['229 Entering Extended Passive Mode (!!!6446!)', 6446],
    ['229 no brackets |||6446|', 6446],
    ['229 Entering (|||0|)', undefined],
    ['229 Entering (|||65536|)', undefined],
    ['229 Entering Passive Mode (127,0,0,1,10,20)', undefined],
    ['227 Entering Passive Mode (127,0,0,1,10,20)', undefined],
  ])('EPSV: %s', (message, port) => {
    expect(epsvTarget(reply(message))?.port).toBe(port)
  })

  test.each([
    ['227 Entering Passive Mode (192,168,1,100,10,229)', { host: '192.168.1.100', port: 2789 }],
    ['227 Entering Passive Mode 10,0,0,1,1,2', { host: '10.0.0.1', port: 258 }],
    ['227 Entering Passive Mode (0,0,0,0,1,2).', { host: '0.0.0.0', port: 258 }],
    ['227 Entering Passive Mode (192,168,1,300,10,229)', undefined],
    ['227 Entering Passive Mode (1,2,3,4,0,0)', undefined],
    ['227 nothing', undefined],
    ['229 Entering Extended Passive Mode (|||6446|)', undefined],
  ])('PASV: %s', (message, target) => {
    expect(pasvTarget(reply(message))).toEqual(target)
  })
})

test('features are read with and without blanks before them', () => {
  const features = featuresIn(reply('211-Features:\n UTF8\nREST STREAM\n mlst type*;size*;\n211 End'))
  expect([...features]).toEqual([
    ['UTF8', ''],
    ['REST', 'STREAM'],
    ['MLST', 'type*;size*;'],
  ])
  expect(featuresIn(reply('211 no features')).size).toBe(0)
})
