import { generateKeyPairSync } from 'node:crypto'

/** A key of a service account, made for one run. */
export const KEY_FILE = {
  type: 'service_account',
  project_id: 'a-project',
  private_key_id: 'key-1',
  client_email: 'tester@a-project.iam.gserviceaccount.com',
  private_key: generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey,
  token_uri: 'https://oauth2.googleapis.com/token',
}

const CHARS = [...'abcXYZ019-_~ !*\'()/&+?#%=:@,;$"<>[]^`{|}\u00e9\u00df\u4e2d\u{1f600}\u2028\ufb01']

/** Odd texts, the same for the same numbers. */
export class Samples {
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  below(end: number): number {
    return Math.floor(this.#random() * end)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }

  text(most: number, chars: readonly string[] = CHARS): string {
    return Array.from({ length: 1 + this.below(most) }, () => this.pick(chars)).join('')
  }

  /** A text that is a header's value, with runs of blanks. */
  value(): string {
    return this.text(12, [...'abcXYZ059+/=;,'])
      .split('')
      .join(this.pick(['', '', ' ', '  ']))
  }

  /** A value for each of some names. */
  fields(names: readonly string[], make: () => string): Record<string, string> {
    const chosen = names.filter(() => this.#random() < 0.3)
    return Object.fromEntries(chosen.map(name => [name, make()]))
  }
}
