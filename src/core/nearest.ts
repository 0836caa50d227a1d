/** Maximum length of a word that is compared, in UTF-16 units: no known name is similar to a longer one. */
const MAX_LENGTH = 100

/**
 * Returns the candidate that a misspelt word most likely means: one that is one edit apart, else one that has all its words (`region` in
 * `regionName`), else the nearest within one edit for every three letters. Case and separators do not count. Undefined where none is
 * similar.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined
  const parts = wordsOf(word)
  const letters = parts.join('')
  let best: string | undefined
  let least = Math.floor(letters.length / 3) + 1
  let longer: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const others = wordsOf(candidate)
    const distance = editsBetween(letters, others.join(''))
    if (distance < least) {
      best = candidate
      least = distance
    }
    if (letters.length > 2 && others.length < fewest && parts.every(part => others.includes(part))) {
      longer = candidate
      fewest = others.length
    }
  }
  return least <= 1 ? best : (longer ?? best)
}

/** Names that other libraries use for an option, and Holdall's names for it. The first one that a backend has is suggested. */
const SYNONYMS: ReadonlyArray<readonly [words: readonly string[], names: readonly string[]]> = [
  [
    ['root', 'path', 'dir', 'directory', 'folder', 'basePath', 'rootPath', 'prefix'],
    ['location', 'rootPath'],
  ],
  [
    ['bucket', 'container', 'share'],
    ['bucketName', 'azureContainer', 'containerName', 'collection'],
  ],
  [
    ['key', 'keyId', 'user', 'account'],
    ['accessKey', 'accountName', 'username', 'user'],
  ],
  [
    ['secret', 'password', 'pass', 'secretAccessKey'],
    ['secretKey', 'accountKey', 'password', 'key'],
  ],
  [
    ['token', 'sessionToken'],
    ['securityToken', 'sasToken', 'oauth2AccessToken'],
  ],
  [
    ['endpoint', 'host', 'server', 'url', 'uri'],
    ['endpointUrl', 'host', 'authUrl'],
  ],
  [
    ['ttl', 'expires', 'expiresIn', 'expiry'],
    ['querystringExpire', 'urlExpire', 'expirationSecs', 'expiration'],
  ],
  [
    ['cdn', 'domain', 'publicUrl'],
    ['customDomain', 'baseUrl'],
  ],
]

/** Returns the one of `names` that Holdall uses for what other libraries call `word`; undefined where there is none. */
export function synonymIn(names: readonly string[], word: string): string | undefined {
  const spelled = word.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const meant = SYNONYMS.find(([words]) => words.includes(spelled))?.[1]
  return meant?.find(name => names.includes(name))
}

/** Returns ` (did you mean 'x'?)`, or ''. */
export function hint(near: string | undefined): string {
  return near === undefined ? '' : ` (did you mean '${near}'?)`
}

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
}

/** Counts missing, additional, different and swapped letters. */
function editsBetween(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        next[j] = Math.min(next[j]!, before[j - 2]! + 1)
    }
    before = row
    row = next
  }
  return row[b.length]!
}
