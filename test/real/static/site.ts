/** A site with every kind of reference that a browser follows: its sources, and what its page has to find. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { frontendsFolder } from '../../servers/frontends.ts'
import { pngOf } from './png.ts'

/** Pictures by their widths. */
const PICTURES = {
  'img/plain.png': 11,
  'img/one-x.png': 12,
  'img/two-x.png': 13,
  'img/source.png': 14,
  'img/body.png': 15,
  'img/set-one.png': 16,
  'img/set-two.png': 17,
  'img/from-module.png': 18,
  'img/icon-192.png': 19,
  'img/sp ace.png': 20,
  'img/inline.png': 21,
}

const INDEX = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>site</title>
<link rel="manifest" href="site.webmanifest">
<link rel="icon" href="img/icon.svg" type="image/svg+xml">
<link rel="preload" href="fonts/text.woff2" as="font" type="font/woff2" crossorigin>
<link rel="stylesheet" href="css/main.css" crossorigin>
<link rel="modulepreload" href="js/alpha.js">
<style>#inline { background-image: url(img/inline.png) }</style>
<script type="importmap">{ "imports": { "greeting": "./js/greeting.js" } }</script>
<script type="module" src="js/app.js" crossorigin></script>
</head>
<body>
<!-- img/commented-out.png -->
<p id="text">Text in a font of its own</p>
<img id="plain" src="img/plain.png" alt="">
<img id="space" src="img/sp%20ace.png" alt="">
<img id="set" src="img/plain.png" srcset="img/one-x.png 1x, img/two-x.png 2x" alt="">
<picture><source srcset="img/source.png 1x"><img id="picture" src="img/plain.png" alt=""></picture>
<div id="background"></div><div id="image-set"></div><div id="inline"></div>
</body>
</html>
`

const MAIN_CSS = `/* url(../img/commented-out.png) */
@import "base.css";
@import url(theme/colours.css) screen;
@import url('cycle-a.css');
@font-face {
  font-family: Text;
  src: url(../fonts/text.woff2?#iefix) format("woff2"), url("../fonts/text.woff") format("woff");
}
body { font-family: Text, serif; background: url( "../img/body.png" ) }
.bg-\\[url\\(\\'x\\.png\\'\\)\\] { color: red }
#background { width: 20px; height: 1px; background: URL(../img/body.png) }
#image-set { width: 20px; height: 1px; background-image: image-set("../img/set-one.png" 1x, url(../img/set-two.png) 2x) }
#inline { width: 20px; height: 1px }
`

const APP_JS = `import { alpha } from './alpha.js'
import greeting from 'greeting'
export { beta } from './beta.js'
// import './commented-out.js'
const text = "import('./in-a-string.js')"
const picture = new Image()
picture.src = new URL('../img/from-module.png', import.meta.url)
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
`

/** What a worker of another origin has to be left out of. */
const APP_WITHOUT_WORKER = APP_JS.replace(/const worker = .*\n/, 'const worker = { postMessage() {} }\n')

const APP_END = `
const answered = new Promise((resolve, reject) => {
  worker.onmessage = ({ data }) => resolve(data)
  worker.onerror = () => reject(new Error('the worker did not start'))
})
worker.postMessage('ready?')
await picture.decode()
globalThis.site = {
  version: VERSION,
  alpha,
  greeting,
  text,
  picture: picture.naturalWidth,
  worker: () => answered,
  lazy: async () => (await import('./lazy.js')).default,
}
`

/** How a version of the site is written. */
export interface SiteOptions {
  /** Is in the text of some of its files. */
  readonly version: number
  /** Whether the page starts a worker, which no page of another origin may; default true. */
  readonly worker?: boolean | undefined
}

/** The text files of a version, by their names. */
function textsOf({ version, worker = true }: SiteOptions): Record<string, string> {
  return {
    'index.html': INDEX,
    'site.webmanifest': JSON.stringify({ name: 'site', icons: [{ src: 'img/icon-192.png', sizes: '19x1' }] }),
    'img/icon.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4" cx="4" cy="4"/></svg>',
    'css/main.css': MAIN_CSS,
    'css/base.css': ':root { --base: "there" }\n',
    'css/theme/colours.css': `@import "../deep/er.css";\n#text { color: rgb(${version}, 2, 3) }\n`,
    'css/deep/er.css': ':root { --deeper: "there" }\n',
    'css/cycle-a.css': '@import "cycle-b.css";\n:root { --cycle-a: "there" }\n',
    'css/cycle-b.css': '@import "cycle-a.css";\n:root { --cycle-b: "there" }\n',
    'js/app.js': `const VERSION = ${version}\n${worker ? APP_JS : APP_WITHOUT_WORKER}${APP_END}`,
    'js/alpha.js': `import { beta } from './beta.js'\nexport const alpha = () => 'alpha ' + beta()\n`,
    'js/beta.js': `import { alpha } from './alpha.js'\nexport const beta = () => 'beta ' + typeof alpha\n`,
    'js/greeting.js': `export default 'hello'\n`,
    'js/lazy.js': `import { part } from "./parts/part.js"\nexport default 'lazy ${version} ' + part\n`,
    'js/parts/part.js': `export const part = 'part ${version}'\n`,
    'js/worker.js': `import { answer } from './worker-part.js'\nonmessage = () => postMessage(answer)\n`,
    'js/worker-part.js': `export const answer = 'at work'\n`,
  }
}

/** Writes the sources of a version into a folder; fonts are those of a package. */
export async function writeSite(folder: string, options: SiteOptions): Promise<void> {
  const files: Record<string, string | Buffer> = textsOf(options)
  for (const [name, width] of Object.entries(PICTURES)) files[name] = pngOf(width)
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
  }
  const fonts = join(frontendsFolder(), 'node_modules/@fontsource/inter/files')
  await mkdir(join(folder, 'fonts'), { recursive: true })
  for (const kind of ['woff2', 'woff'])
    await copyFile(join(fonts, `inter-latin-400-normal.${kind}`), join(folder, `fonts/text.${kind}`))
}

/** The page as a template makes it, with the URL of each file by its name. */
export function pageWith(url: (name: string) => string): string {
  const set = (names: string): string => names.replace(/[\w/-]+\.png/g, url)
  return INDEX.replace(/(?:href|src)="([^"]+)"/g, (whole, name: string) => whole.replace(name, url(decodeURI(name))))
    .replace(/srcset="([^"]+)"/g, (_, names: string) => `srcset="${set(names)}"`)
    .replace('url(img/inline.png)', `url(${url('img/inline.png')})`)
    .replace('./js/greeting.js', url('js/greeting.js'))
    .replace('rel="manifest"', 'rel="manifest" crossorigin')
    .replace('rel="modulepreload"', 'rel="modulepreload" crossorigin')
}

/** What is asked in the page, and what it has to answer where everything was found. */
export const QUESTIONS: ReadonlyArray<readonly [expression: string, answer: unknown]> = [
  [`document.getElementById('plain').naturalWidth`, 11],
  [`document.getElementById('space').naturalWidth`, 20],
  [`document.getElementById('set').naturalWidth`, 12],
  [`document.getElementById('picture').naturalWidth`, 14],
  [`document.fonts.load('16px Text').then(fonts => fonts.map(font => font.status))`, ['loaded']],
  [`getComputedStyle(document.documentElement).getPropertyValue('--base')`, '"there"'],
  [`getComputedStyle(document.documentElement).getPropertyValue('--deeper')`, '"there"'],
  [`getComputedStyle(document.documentElement).getPropertyValue('--cycle-a')`, '"there"'],
  [`getComputedStyle(document.documentElement).getPropertyValue('--cycle-b')`, '"there"'],
  [`site.alpha()`, 'alpha beta function'],
  [`site.greeting`, 'hello'],
  [`site.text`, `import('./in-a-string.js')`],
  [`site.picture`, 18],
]
