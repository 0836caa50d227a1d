const shown = new Set<string>()

/** A warning of the process about a setting, by default one that has no effect, once for each text. */
export function warnOnce(text: string, code = 'HOLDALL_NO_EFFECT'): void {
  if (shown.has(text)) return
  shown.add(text)
  process.emitWarning(text, { code })
}
