type Map = Readonly<Record<string, unknown>>

/** An address without its user and password, which may contain any character; they end at the last `@`. */
export function shownAddress(address: string | null): string | null {
  const at = address?.lastIndexOf('@') ?? -1
  if (address === null || at < 0) return address
  const scheme = /^(?:[a-z][a-z0-9+.-]*:)?\/\//i.exec(address)?.[0] ?? ''
  return `${scheme}***${address.slice(at)}`
}

/** Proxies without users and passwords. */
export function shownProxies(proxies: Map): Map {
  return mapped(proxies, value => (typeof value === 'string' ? shownAddress(value) : value))
}

/** Upload parameters, or headers, without the customer's key. */
export function shownParameters(parameters: Map | ((name: string) => Map)): unknown {
  if (typeof parameters === 'function') return parameters
  return mapped(parameters, (value, name) => (/customer-?key$/i.test(name) ? '***' : value))
}

/** botocore's `Config` without the users and passwords of its proxies. */
export function shownClientConfig(config: Map): Map {
  const { proxies } = config
  return typeof proxies === 'object' && proxies !== null ? { ...config, proxies: shownProxies(proxies as Map) } : config
}

function mapped(values: Map, change: (value: unknown, name: string) => unknown): Map {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]))
}
