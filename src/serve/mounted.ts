const paths = new WeakMap<Request, string>()

/** Keeps the path and query that a client sent, where a framework has removed the path of a mount from the URL of the request. */
export function keepOriginalPath(request: Request, path: string): void {
  paths.set(request, path)
}

/**
 * Returns the path of a request, percent-encoded, for a handler of `basePath`: the path that the client sent where it lies below
 * `basePath`, else the path that the framework passes. So a handler with a `basePath` works mounted at that path, and without a mount.
 */
export function pathnameOf(request: Request, basePath: string): string {
  const sent = sentPathname(request)
  return basePath !== '/' && `${sent}/`.startsWith(basePath) ? sent : new URL(request.url).pathname
}

/** Returns the path that the client sent, percent-encoded. */
export function sentPathname(request: Request): string {
  const original = paths.get(request)
  return new URL(original === undefined ? request.url : `http://localhost${original}`).pathname
}

/** Returns a base path with a slash at both ends; '/' for an empty one. */
export function normalBasePath(basePath: string | undefined): string {
  const folders = (basePath ?? '').split('/').filter(part => part !== '')
  return ['', ...folders, ''].join('/')
}
