/** The official client, pointed at a strict server. */
import { Dropbox, DropboxAuth } from 'dropbox'
import type { StrictDropbox } from '../strict-dropbox.ts'

/** What differs from a client with a fresh access token. */
export interface OfficialOptions {
  /** Gets its tokens by the refresh token. */
  readonly refreshes?: boolean
  readonly pathRoot?: string
  /** Called with each request as it is sent. */
  readonly onRequest?: (url: string, init: RequestInit) => void
}

/** A client whose hosts are those of a server. */
export function officialClient(
  server: Pick<StrictDropbox, 'apiUrl' | 'contentUrl' | 'token' | 'tokens'>,
  { refreshes = false, pathRoot, onRequest }: OfficialOptions = {},
): Dropbox {
  const mapped = (url: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const address = String(url)
      .replace('https://api.dropboxapi.com', server.apiUrl)
      .replace('https://content.dropboxapi.com', server.contentUrl)
    onRequest?.(String(url), init)
    return fetch(address, init)
  }
  const { appKey, appSecret, refreshToken } = server.tokens
  const auth = new DropboxAuth({
    fetch: mapped,
    ...(refreshes ? { clientId: appKey, clientSecret: appSecret, refreshToken } : { accessToken: server.token() }),
  })
  return new Dropbox({ auth, fetch: mapped, ...(pathRoot === undefined ? {} : { pathRoot }) })
}
