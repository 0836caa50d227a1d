/** Names that a disk or a bucket can have and a program easily spoils. */

const LONG_PART = 'x'.repeat(199)

/** A name of so many bytes in nested folders. */
function longName(bytes: number, start: string): string {
  let name = start
  while (Buffer.byteLength(name) + 1 + LONG_PART.length + 2 < bytes) name += `/${LONG_PART}`
  return `${name}/${'y'.repeat(bytes - Buffer.byteLength(name) - 1)}`
}

const PARTS: readonly string[] = [
  ' ',
  ' leading',
  'trailing ',
  'trailing.',
  'two dots..',
  '...',
  '. ',
  '.hidden',
  'tab\there',
  'new\nline',
  'cr\rlf\r\n',
  '\n',
  '\u0001\u0002\u001b[31m',
  '\u007f',
  '\u0085\u2028\u2029',
  '"double" \'single\' `back`',
  '100%',
  '%2F',
  '%00',
  '%C3%A9',
  '+plus+ and space',
  'q?uery=1&b=2',
  'h#ash',
  'a&b=c;d',
  '--delete',
  '-',
  '--',
  '-rf',
  '--config=x',
  '~',
  '~user',
  '$HOME',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell would expand it.
  '${HOME}',
  '*?[a]{b,c}!',
  'C:',
  'alias:path',
  'NUL',
  '<xml>&amp;]]>',
  // Both normal forms, and letters that become two in another case.
  'é',
  'e\u0301',
  'Å',
  'A\u030a',
  '\u212b',
  'ﬁ',
  'ß',
  'ss',
  'İstanbul',
  'Case',
  'case',
  'CASE',
  // Beyond U+FFFF, which UTF-16 sorts before U+E000 to U+FFFF.
  '😀',
  '👩‍👩‍👧',
  '\u{10000}',
  '\u{10FFFF}',
  '\uE000',
  '\uFFFD',
  '\uFFFE',
  '\uFFFF',
  '\uFEFFbom',
  '\u202Eevil',
  '\u200B',
  'עברית',
  '日本語',
  'z'.repeat(255),
  '名'.repeat(85),
  '\u{1F600}'.repeat(63),
]

/** Names of files on a disk: each odd part as a file at the top, as a file in a folder, and as a folder. */
export const ODD_NAMES: readonly string[] = [
  ...PARTS.map(part => `${part}`),
  ...PARTS.flatMap(part => [`odd/${part}`, `of/${part}/file`]),
  // Names whose order depends on whether the slash counts as a byte.
  'a/b./d',
  'a/b/c',
  'a/b!/c',
  'dir-2/x',
  'dir/x',
  'dir\u0001/x',
  longName(1000, 'long'),
  longName(1000, 'lång/😀'),
  longName(1024, 'longest'),
  longName(1023, 'longest'),
]

/** Keys of objects that no disk can have as they are. */
export const ODD_KEYS: readonly string[] = [
  'a//b',
  '/a',
  '//a',
  'a///b//c',
  './a',
  'a/./b',
  'a/../b',
  '..',
  '.',
  'a/..',
  'back\\slash',
  '\\',
  'a\\..\\b',
  'folder/file',
  'file',
  'file/below',
]

/** Keys of empty objects that stand for folders, which are not copied. */
export const FOLDER_KEYS: readonly string[] = ['/', 'folder/', 'end//']
