import type { HtmlElement } from './elements.ts'

/** HTML attributes with the URL of a file. `<a href>`, `<iframe src>` and `<form action>` lead to pages. */
const URLS: Readonly<Record<string, readonly string[]>> = {
  audio: ['src'],
  body: ['background'],
  embed: ['src'],
  image: ['src'],
  img: ['src'],
  input: ['src'],
  link: ['href'],
  object: ['data'],
  script: ['src'],
  source: ['src'],
  table: ['background'],
  td: ['background'],
  th: ['background'],
  track: ['src'],
  video: ['src', 'poster'],
}
/** SVG attributes with the URL of a file. */
const SVG_URLS: Readonly<Record<string, readonly string[]>> = {
  feimage: ['href', 'xlink:href'],
  image: ['href', 'xlink:href'],
  script: ['href', 'xlink:href'],
  use: ['href', 'xlink:href'],
}
/** Attributes with several URLs. */
const SETS: Readonly<Record<string, string>> = {
  image: 'srcset',
  img: 'srcset',
  link: 'imagesrcset',
  source: 'srcset',
}
/** Values of `rel` for a `<link>` to a file; others lead to pages, or describe the page. */
const RELATIONS: ReadonlySet<string> = new Set(
  `apple-touch-icon apple-touch-icon-precomposed apple-touch-startup-image icon manifest mask-icon modulepreload prefetch preload
  stylesheet`.split(/\s+/),
)

/** Returns the type of a `<script>` or an `<input>`, in lower case; empty without one. */
export function typeOf({ attributes }: HtmlElement): string {
  return (attributes.get('type')?.text ?? '').trim().toLowerCase()
}

function relationsOf({ attributes }: HtmlElement): readonly string[] {
  return (attributes.get('rel')?.text ?? '').toLowerCase().split(/[\t\n\f\r ]/)
}

/** Returns the names of an element's attributes that contain the URL of a file. */
export function urlAttributes(element: HtmlElement): readonly string[] {
  return refersToFile(element) ? (own(element.isForeign ? SVG_URLS : URLS, element.name) ?? []) : []
}

/** Returns the name of an element's attribute that contains several URLs with descriptors. */
export function setAttribute(element: HtmlElement): string | undefined {
  return !element.isForeign && refersToFile(element) ? own(SETS, element.name) : undefined
}

/** Whether the reference of an element is loaded as a module. */
export function isModule(element: HtmlElement): boolean {
  if (element.name === 'script') return typeOf(element) === 'module'
  return element.name === 'link' && relationsOf(element).includes('modulepreload')
}

function refersToFile(element: HtmlElement): boolean {
  if (element.name === 'link') return relationsOf(element).some(relation => RELATIONS.has(relation))
  return element.name !== 'input' || typeOf(element) === 'image'
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}
