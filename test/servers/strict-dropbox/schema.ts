/** Arguments of the functions: read and checked as the specification has them, with the service's own words for what is wrong. */
import type { Tagged } from './errors.ts'

/** What is wrong with an argument, and where in it. */
export class BadArgument extends Error {
  constructor(path: string, message: string) {
    super(path === '' ? message : `${path}: ${message}`)
  }
}

/** How one field is read. */
export interface Field<T> {
  read(value: unknown, path: string): T
  /** What stands in for a missing field; without it the field is required. */
  readonly missing?: () => T
}

/** The type of what a field reads. */
export type Read<F> = F extends Field<infer T> ? T : never

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'float'
  return typeof value
}

/** A text that may be limited. */
export function text({
  pattern,
  min = 0,
  max = Number.POSITIVE_INFINITY,
}: {
  readonly pattern?: string
  readonly min?: number
  readonly max?: number
} = {}): Field<string> {
  // In the service's patterns a dot is any character.
  const whole = pattern === undefined ? undefined : new RegExp(`^(?:${pattern})$`, 'su')
  return {
    read(value, path) {
      if (typeof value !== 'string') throw new BadArgument(path, `expected string, got ${kindOf(value)}`)
      // Half of a pair of surrogates is no character: JSON can write it, UTF-8 cannot.
      if (!value.isWellFormed()) throw new BadArgument(path, 'string is not valid Unicode')
      if (whole?.test(value) === false) throw new BadArgument(path, `'${value}' did not match pattern '${pattern}'`)
      if (value.length < min) throw new BadArgument(path, `'${value}' must be at least ${min} characters`)
      if (value.length > max) throw new BadArgument(path, `'${value}' must be at most ${max} characters`)
      return value
    },
  }
}

/** A truth value with a default. */
export function flag(missing: boolean): Field<boolean> {
  return {
    missing: () => missing,
    read(value, path) {
      if (typeof value !== 'boolean') throw new BadArgument(path, `expected boolean, got ${kindOf(value)}`)
      return value
    },
  }
}

/** A number within limits. */
export function number({
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
  whole = true,
}: {
  readonly min?: number
  readonly max?: number
  readonly whole?: boolean
} = {}): Field<number> {
  return {
    read(value, path) {
      if (typeof value !== 'number' || (whole && !Number.isInteger(value))) {
        throw new BadArgument(path, `expected ${whole ? 'integer' : 'number'}, got ${kindOf(value)}`)
      }
      if (value < min) throw new BadArgument(path, `${value} is less than ${min}`)
      if (value > max) throw new BadArgument(path, `${value} is greater than ${max}`)
      return value
    },
  }
}

/** A moment in the service's only form. */
export const timestamp: Field<number> = {
  read(value, path) {
    const texts = text({ pattern: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ' })
    const time = Date.parse(texts.read(value, path))
    if (Number.isNaN(time)) throw new BadArgument(path, `'${value}' does not match format '%Y-%m-%dT%H:%M:%SZ'`)
    return time
  },
}

/** A list within limits. */
export function list<T>(of: Field<T>, { min = 0, max = Number.POSITIVE_INFINITY } = {}): Field<readonly T[]> {
  return {
    read(value, path) {
      if (!Array.isArray(value)) throw new BadArgument(path, `expected list, got ${kindOf(value)}`)
      if (value.length < min) throw new BadArgument(path, `list must have at least ${min} items`)
      if (value.length > max) throw new BadArgument(path, `list must have at most ${max} items`)
      return value.map((one, at) => of.read(one, `${path}[${at}]`))
    },
  }
}

/** A field that may be missing or null. */
export function optional<T>(of: Field<T>): Field<T | undefined> {
  return { missing: () => undefined, read: (value, path) => (value === null ? undefined : of.read(value, path)) }
}

/** A field with a default. */
export function withDefault<T>(of: Field<T>, missing: T): Field<T> {
  return { missing: () => missing, read: (value, path) => of.read(value, path) }
}

/** An object with these fields and no others. */
export function struct<S extends Readonly<Record<string, Field<unknown>>>>(
  fields: S,
): Field<{ readonly [K in keyof S]: Read<S[K]> }> {
  return {
    read(value, path) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw new BadArgument(path, `expected object, got ${kindOf(value)}`)
      }
      const given = value as Readonly<Record<string, unknown>>
      const unknown = Object.keys(given).find(name => !Object.hasOwn(fields, name) && name !== '.tag')
      if (unknown !== undefined) throw new BadArgument(path, `unknown field '${unknown}'`)
      const read = Object.entries(fields).map(([name, field]) => {
        const inner = path === '' ? name : `${path}.${name}`
        if (Object.hasOwn(given, name)) return [name, field.read(given[name], inner)]
        if (field.missing === undefined) throw new BadArgument(path, `missing required field '${name}'`)
        return [name, field.missing()]
      })
      return Object.fromEntries(read) as { readonly [K in keyof S]: Read<S[K]> }
    },
  }
}

/** A union; members without a value may be told by their name alone. */
export function union(members: Readonly<Record<string, Field<unknown> | undefined>>): Field<Tagged> {
  return {
    read(value, path) {
      const given = typeof value === 'string' ? { '.tag': value } : value
      if (typeof given !== 'object' || given === null) {
        throw new BadArgument(path, `expected object or string, got ${kindOf(value)}`)
      }
      const { '.tag': tag, ...fields } = given as Readonly<Record<string, unknown>>
      if (typeof tag !== 'string') throw new BadArgument(path, "missing '.tag' key")
      if (!Object.hasOwn(members, tag)) throw new BadArgument(path, `unknown tag '${tag}'`)
      const unknown = Object.keys(fields).find(name => name !== tag || members[tag] === undefined)
      if (unknown !== undefined) throw new BadArgument(path, `unexpected field '${unknown}' for tag '${tag}'`)
      const member = members[tag]
      if (member === undefined) return { '.tag': tag }
      if (typeof value === 'string' || !Object.hasOwn(fields, tag)) {
        throw new BadArgument(path, `missing '${tag}' key for tag '${tag}'`)
      }
      return { '.tag': tag, [tag]: member.read(fields[tag], path === '' ? tag : `${path}.${tag}`) }
    },
  }
}
