import { iniLines } from '../core/ini.ts'

/** Settings of one section, by key in lower case. */
export type Section = ReadonlyMap<string, string>

/** Sections by name. */
export type Profiles = ReadonlyMap<string, Section>

/** The sections of a shared file, by kind. */
export interface ProfileFile {
  readonly profiles: Profiles
  /** Of `[services name]`; settings of a service have its name in front: `s3.endpoint_url`. */
  readonly services: Profiles
  /** Of `[sso-session name]`. */
  readonly sessions: Profiles
}

/**
 * Reads the ini format of the shared files. Lines that are not understood are ignored. In the configuration file, and only there, a section
 * is called `profile name`, except `default`, which may have either form, and there are sections of services and of SSO sessions.
 * (AWS SDKs and Tools reference guide, "Format of the configuration files")
 */
export function parseProfileFile(text: string, isConfig: boolean): ProfileFile {
  const profiles = new Map<string, Map<string, string>>()
  const services = new Map<string, Map<string, string>>()
  const sessions = new Map<string, Map<string, string>>()
  let section: Map<string, string> | undefined
  let isService = false
  let parent = ''
  for (const line of iniLines(text)) {
    if ('title' in line) {
      const service = isConfig ? nameBehind('services', line.title) : undefined
      const session = isConfig ? nameBehind('sso-session', line.title) : undefined
      isService = service !== undefined
      if (service !== undefined) section = sectionOf(services, service)
      else if (session !== undefined) section = sectionOf(sessions, session)
      else section = sectionOf(profiles, profileIn(line.title, isConfig))
    } else if (!line.isNested) {
      parent = line.key
      section?.set(line.key, line.value)
    } else if (isService) section?.set(`${parent}.${line.key}`, line.value)
  }
  return { profiles, services, sessions }
}

function profileIn(title: string, isConfig: boolean): string | undefined {
  return !isConfig || title === 'default' ? title : nameBehind('profile', title)
}

function sectionOf(sections: Map<string, Map<string, string>>, name: string | undefined) {
  if (name === undefined) return undefined
  const section = sections.get(name) ?? new Map<string, string>()
  sections.set(name, section)
  return section
}

/** The name in the title of a section, with or without quotes. */
function nameBehind(kind: string, title: string): string | undefined {
  if (!title.startsWith(kind) || !/\s/.test(title[kind.length] ?? '')) return undefined
  const name = title.slice(kind.length).trim()
  const quote = name[0]
  const isQuoted = (quote === '"' || quote === "'") && name.length > 2 && name.endsWith(quote)
  return (isQuoted ? name.slice(1, -1).trim() : name) || undefined
}
