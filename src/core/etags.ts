/**
 * Returns the etag, or undefined if it is weak: no condition and no resumed read can use a weak one. (RFC 9110, sections 8.8.3 and 13.1.1)
 */
export function strongEtag(etag: string | undefined): string | undefined {
  return etag === undefined || isWeakEtag(etag) ? undefined : etag
}

/** Whether an etag in the form of `Stat.etag` is weak: `W/"..."`. Strong etags have no quotes. */
export function isWeakEtag(etag: string): boolean {
  return etag.startsWith('W/"')
}
