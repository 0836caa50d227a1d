/** A way of compression that browsers undo, by its name as a content coding. (IANA HTTP Content Coding Registry) */
export type Coding = 'br' | 'gzip' | 'zstd'

/** What the names of compressed siblings end in: `a.css.br` beside `a.css`. */
export const CODING_EXTENSIONS: Readonly<Record<Coding, string>> = { br: '.br', gzip: '.gz', zstd: '.zst' }
