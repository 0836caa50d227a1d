/** Hides secrets in a text that a service wrote. */
export type Hide = (text: string) => string

const HIDDEN = '***'
/** Minimum length of a secret that is searched for: shorter ones occur in ordinary words. */
const SHORTEST = 4

/** Query and header parts that sign a request. */
const IN_QUERY = /\b(signature|security-token|sig)(?:=|%3d)[^&\s"'<>,;]+/gi
const IN_HEADER =
  /\b(authorization["']?[ \t]{0,8}=|(?:authorization|security-token|customer-key)["']?[ \t]{0,8}:)[^\r\n]*/gi

/** Hides signatures by the names in front of them: `X-Amz-Signature=...`, `Authorization: ...`. */
export const hideSignatures: Hide = text => text.replace(IN_QUERY, `$1=${HIDDEN}`).replace(IN_HEADER, `$1 ${HIDDEN}`)

/**
 * Returns a function that hides these secrets, also percent-encoded, in base64 or hexadecimal, and with the escapes of XML and JSON. It
 * also does what `hideSignatures` does. Secrets of fewer than 4 characters are not searched for.
 */
export function hiding(secrets: Iterable<string | undefined>): Hide {
  const kept = [...secrets].filter(secret => secret !== undefined && secret.length >= SHORTEST) as string[]
  // Each form is at least as long as its secret, and ids of requests are often shorter.
  const shortest = Math.min(...kept.map(secret => secret.length))
  let forms: string[] | undefined
  return text => {
    let shown = text
    if (text.length >= shortest) for (const form of (forms ??= formsOf(kept))) shown = shown.replaceAll(form, HIDDEN)
    return hideSignatures(shown)
  }
}

/** Longest first, so that a form that contains another one is hidden completely. */
function formsOf(secrets: readonly string[]): string[] {
  const forms = new Set<string>()
  for (const secret of secrets) addForms(forms, secret)
  return [...forms].sort((a, b) => b.length - a.length)
}

function addForms(forms: Set<string>, secret: string): void {
  const bytes = Buffer.from(secret, 'utf8')
  const encoded = encodeURIComponent(secret.toWellFormed())
  const strict = encoded.replace(/[!'()*]/g, percent)
  forms.add(secret)
  for (const form of [encoded, strict]) {
    forms.add(form)
    forms.add(form.replace(/%[0-9A-F]{2}/g, code => code.toLowerCase()))
    forms.add(form.replaceAll('%20', '+'))
  }
  const hex = bytes.toString('hex')
  forms.add(bytes.toString('base64').replaceAll('=', '')).add(bytes.toString('base64url')).add(hex)
  forms.add(hex.toUpperCase())
  forms.add(secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'))
  forms.add(JSON.stringify(secret).slice(1, -1)).add(secret.replaceAll('/', '\\/'))
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
