/** The account and the container that every client is told, and its key, which opens nothing. */
export const ACCOUNT = 'benchaccount'
export const CONTAINER = 'bucket'
export const ACCOUNT_KEY: string = Buffer.alloc(64, 'bench').toString('base64')

/** The account's own URL, path-style. */
export function accountUrl(endpoint: string): string {
  return `${endpoint}/${ACCOUNT}`
}
