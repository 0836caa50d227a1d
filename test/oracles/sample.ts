/** One random request with keys and a moment, in our terms. */
export interface Sample {
  readonly method: string
  readonly host: string
  readonly key: string
  readonly query: Array<[string, string]>
  readonly headers: Record<string, string>
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string | undefined
  readonly region: string
  readonly now: Date
  readonly payloadHash: string
}

const CHARS = [...'abcXYZ019-._~ !*\'()/&+?#%=:@,;$"<>[]\\^`{|}\t\u00e9\u00df\u4e2d\u{1f600}\u2028\ufb01']
/** What requests to one service are made of. */
export interface Words {
  readonly hosts: readonly string[]
  readonly regions: readonly string[]
  /** Names of headers, in odd cases too. */
  readonly headers: readonly string[]
  /** Names of parameters that mean something. */
  readonly parameters: readonly string[]
  readonly payloadHashes: readonly string[]
}

/** Makes a request of odd parts; the same numbers give the same request. */
export function sample(random: () => number, words: Words): Sample {
  const below = (end: number): number => Math.floor(random() * end)
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!
  const text = (most: number): string => Array.from({ length: below(most + 1) }, () => pick(CHARS)).join('')
  const word = (): string => Array.from({ length: 1 + below(24) }, () => pick([...'abcXYZ059+/='])).join('')
  const query = new Map<string, string>()
  for (let left = below(5); left > 0; left--) {
    query.set(
      pick([...words.parameters, `q${text(3)}`, `${pick(words.parameters)}-${below(9)}`, text(4) || 'p']),
      text(12),
    )
  }
  const headers: Record<string, string> = {}
  for (let left = below(7); left > 0; left--) {
    headers[pick(words.headers)] =
      pick(['', ' ', '  ', '\t']) + word() + pick(['', ' ', '   ', '\t \t', '\r\n ']) + word() + pick(['', ' '])
  }
  return {
    method: pick(['GET', 'PUT', 'POST', 'DELETE', 'HEAD']),
    host: pick(words.hosts),
    key: text(30),
    query: [...query],
    headers,
    accessKeyId: word(),
    secretAccessKey: word(),
    sessionToken: random() < 0.4 ? word() : undefined,
    region: pick(words.regions),
    now: new Date(below(4_102_444_800) * 1000 + below(1000)),
    payloadHash: pick(words.payloadHashes),
  }
}
