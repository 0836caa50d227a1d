/** A name as the path of a URL: `\` becomes '/', and besides the unreserved ones ``/ ~ ! * ( ) '`` stay. (Django `filepath_to_uri`) */
export function filepathToUri(name: string): string {
  return encodeURIComponent(name.toWellFormed().replaceAll('\\', '/')).replaceAll('%2F', '/')
}

/** The URL of a name below a base, which gets a trailing slash; a name can never replace the base. */
export function joinUrl(base: string, name: string): string {
  return `${withSlash(base)}${filepathToUri(name).replace(/^\/+/, '')}`
}

function withSlash(base: string): string {
  return base.endsWith('/') ? base : `${base}/`
}
