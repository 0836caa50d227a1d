import { describe, expect, it } from 'vitest'
import { strftime } from '../../src/core/strftime.ts'

const DATES = '%Y %y %C %m %d %e %j %a %A %b %B %h %u %w'
const WEEKS = '%U %W %V %G %g'
const TIMES = '%H %I %M %S %p|%D %F %R %T %r|%c|%x %X'

describe('strftime', () => {
  it.each([
    [[2024, 0, 1], '2024 24 20 01 01  1 001 Mon Monday Jan January Jan 1 1', '00 01 01 2024 24'],
    [[2021, 0, 3], '2021 21 20 01 03  3 003 Sun Sunday Jan January Jan 7 0', '01 00 53 2020 20'],
    [[2020, 11, 31], '2020 20 20 12 31 31 366 Thu Thursday Dec December Dec 4 4', '52 52 53 2020 20'],
    [[2018, 11, 31], '2018 18 20 12 31 31 365 Mon Monday Dec December Dec 1 1', '52 53 01 2019 19'],
    [[2005, 0, 1], '2005 05 20 01 01  1 001 Sat Saturday Jan January Jan 6 6', '00 00 53 2004 04'],
    [[2026, 10, 23], '2026 26 20 11 23 23 327 Mon Monday Nov November Nov 1 1', '47 47 48 2026 26'],
  ] as const)('gives the day %j as Python does', ([year, month, day], date, week) => {
    expect(strftime(DATES, new Date(year, month, day))).toBe(date)
    expect(strftime(WEEKS, new Date(year, month, day, 23, 59, 59))).toBe(week)
  })

  it.each([
    [
      [0, 5, 9],
      '00 12 05 09 AM|01/02/24 2024-01-02 00:05 00:05:09 12:05:09 AM|Tue Jan  2 00:05:09 2024|01/02/24 00:05:09',
    ],
    [
      [12, 0, 0],
      '12 12 00 00 PM|01/02/24 2024-01-02 12:00 12:00:00 12:00:00 PM|Tue Jan  2 12:00:00 2024|01/02/24 12:00:00',
    ],
    [
      [23, 59, 59],
      '23 11 59 59 PM|01/02/24 2024-01-02 23:59 23:59:59 11:59:59 PM|Tue Jan  2 23:59:59 2024|01/02/24 23:59:59',
    ],
  ] as const)('gives the time %j as Python does', ([hour, minute, second], wanted) => {
    expect(strftime(TIMES, new Date(2024, 0, 2, hour, minute, second))).toBe(wanted)
  })

  it('knows parts of a second, the offset and signs, and leaves what it does not know', () => {
    expect(strftime('%f', new Date(2024, 0, 1, 0, 0, 0, 7))).toBe('007000')
    expect(strftime('100%%%n%t|%q %', new Date(2024, 0, 1))).toBe('100%\n\t|%q %')
    const minutes = 0 - new Date(2024, 6, 1).getTimezoneOffset()
    const [, sign, hours, rest] = /^([+-])(\d\d)(\d\d)$/.exec(strftime('%z', new Date(2024, 6, 1)))!
    expect((Number(hours) * 60 + Number(rest)) * (sign === '-' ? -1 : 1)).toBe(minutes)
  })
})
