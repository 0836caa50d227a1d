/** The header Range of Atmos: `bytes=a-b`, with several ranges for reading. */
import { AtmosError } from './errors.ts'

/** Bytes from `start` to before `end`. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

const FORM = /^bytes=(\d{1,15}-\d{0,15}(?:,\s*\d{1,15}-\d{0,15})*)$/i

/** The ranges to read; undefined without the header, 1004 where it is not valid or nothing of it is there. */
export function readRanges(header: string | undefined, size: number): ByteRange[] | undefined {
  if (header === undefined) return undefined
  const [, list] = FORM.exec(header) ?? []
  if (list === undefined) throw new AtmosError(1004)
  return list.split(',').map(part => {
    const [first = '', last = ''] = part.trim().split('-')
    const start = Number(first)
    const end = last === '' ? size : Math.min(size, Number(last) + 1)
    if (start >= end) throw new AtmosError(1004, '', { 'content-range': `bytes */${size}` })
    return { start, end }
  })
}

/** The place of what is written; undefined without the header, 1004 and 1012 where it is not right. */
export function writeRange(header: string | undefined, size: number, length: number): ByteRange | undefined {
  if (header === undefined) return undefined
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/i.exec(header) ?? []
  if (first === undefined || last === undefined) throw new AtmosError(1004)
  const [start, end] = [Number(first), Number(last) + 1]
  if (end <= start || start > size) throw new AtmosError(1004)
  if (end - start !== length) throw new AtmosError(1012)
  return { start, end }
}
