/** The header Range (RFC 9110, section 14.2), of one range of bytes. */

/** The bytes that a Range header asks for; undefined where it does not apply. Throws `unsatisfiable()` where there are none. */
export function readRange(
  header: string | undefined,
  size: number,
  unsatisfiable: (headers: Readonly<Record<string, string>>) => Error,
): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const [, first = '', last = ''] = match
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (start < end) return { start, end }
  throw unsatisfiable({ 'content-range': `bytes */${size}` })
}
