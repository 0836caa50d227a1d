import { encodeKey } from '../../remote/sign/encode.ts'

/** Maximum length of a collection's name in characters. */
const MAX_NAME = 63

/** The problem of a collection's name; undefined if there is none. (nimbus.io developer's guide, "Collections") */
export function collectionProblem(name: string): string | undefined {
  if (name.length > MAX_NAME) return `has at most ${MAX_NAME} characters`
  if (!/^[a-z0-9-]*$/.test(name)) return 'has lower-case letters, digits and hyphens only'
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) return 'begins and ends with a letter or digit, and has at least 2 of them'
  return name.includes('--') ? 'has no two hyphens in a row' : undefined
}

/** The path of a key. Parts that are only dots are encoded, since a client or a proxy would remove them. */
export function keyPath(room: 'data' | 'conjoined', key: string): string {
  const path = encodeKey(key).replace(/(^|\/)(\.{1,2})(?=\/|$)/g, (_, before: string, dots: string) => {
    return before + dots.replaceAll('.', '%2E')
  })
  return `/${room}/${path}`
}
