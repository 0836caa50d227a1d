const MEANING: Readonly<Record<number, string>> = {
  403: 'Forbidden: the URL is not signed for this, or it has expired.',
  404: 'Not found.',
  405: 'Method not allowed.',
  412: 'The file is not the expected version.',
  413: 'The upload is too large.',
  416: 'The file has no such range.',
  503: 'The storage cannot be reached; try again later.',
}

/** Returns a short answer in plain text without names and paths. */
export function failure(status: number, headers: Record<string, string> = {}): Response {
  const text = `${status} ${MEANING[status] ?? 'The request failed.'}\n`
  return new Response(text, {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': String(text.length),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
  })
}
