/** CRC-64 in WebAssembly, which has 64-bit words: about twice as fast as in JavaScript. */
export interface FastCrc64 {
  /** Returns the register after these bytes; their number is a multiple of `CRC64_STEP`. */
  update(register: bigint, bytes: Uint8Array): bigint
}

/** Bytes per step; there is a table for each of them. */
export const CRC64_STEP = 16
const TABLE_BYTES = 2048
/** Address of the bytes, behind the tables. */
const DATA = CRC64_STEP * TABLE_BYTES
/** Maximum number of bytes that are copied in at once. */
const CHUNK = 65_536
const PAGES = 2

// Instructions. (https://webassembly.github.io/spec/core/binary/instructions.html)
const LOOP = [0x03, 0x40]
const CONTINUE_IF = [0x0d, 0]
const END = 0x0b
const I32_CONST = 0x41
const I32_AND = 0x71
const I32_LESS = 0x49
const I32_ADD = 0x6a
const I32_SHIFT_LEFT = 0x74
const I64_CONST = 0x42
const I64_LOAD = 0x29
const I64_XOR = 0x85
const I64_SHIFT_RIGHT = 0x88
const I32_OF_I64 = 0xa7
/** Locals: the address of the next bytes, their end, the register, and the word that is looked up. */
const [PLACE, STOP, REGISTER, WORD] = [0, 1, 2, 3]

/**
 * Makes the module; undefined where the runtime does not compile WebAssembly. `tables` are the entries of `CRC64_STEP` tables of 256, the
 * lower half of each before the upper one.
 */
export function fastCrc64(tables: Uint32Array): FastCrc64 | undefined {
  const { WebAssembly: wasm } = globalThis as { readonly WebAssembly?: Wasm }
  if (wasm === undefined) return undefined
  try {
    const { memory, run } = new wasm.Instance(new wasm.Module(moduleBytes())).exports
    new Uint32Array(memory.buffer).set(tables)
    const data = new Uint8Array(memory.buffer, DATA)
    return { update: (register, bytes) => updated(run, data, register, bytes) }
  } catch {
    return undefined
  }
}

/** The members of the global `WebAssembly` that are used here. */
interface Wasm {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: Exports }
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly run: Run
}

type Run = (place: number, end: number, register: bigint) => bigint

function updated(run: Run, data: Uint8Array, register: bigint, bytes: Uint8Array): bigint {
  let value = register
  for (let at = 0; at < bytes.byteLength; at += CHUNK) {
    const chunk = bytes.subarray(at, at + CHUNK)
    data.set(chunk)
    value = run(DATA, DATA + chunk.byteLength, value)
  }
  return value
}

/** A module with one function over one memory. (https://webassembly.github.io/spec/core/binary/modules.html) */
function moduleBytes(): Uint8Array {
  const type = [1, 0x60, 3, 0x7f, 0x7f, 0x7e, 1, 0x7e]
  const names = [2, ...text('memory'), 2, 0, ...text('run'), 0, 0]
  const body = [1, 1, 0x7e, ...instructions()]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, type),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, PAGES]),
    ...section(7, names),
    ...section(10, [1, ...sized(body)]),
  ])
}

/** Adds two words to the register per step. Each byte is looked up in the table of its remainder after the bytes that follow it. */
function instructions(): number[] {
  const code = [
    ...LOOP,
    ...get(REGISTER),
    ...get(PLACE),
    I64_LOAD,
    0,
    0,
    I64_XOR,
    ...set(WORD),
    ...lookedUp(CRC64_STEP - 1),
  ]
  code.push(...get(PLACE), I64_LOAD, 0, 8, ...set(WORD), ...lookedUp(7), I64_XOR)
  code.push(...set(REGISTER), ...get(PLACE), I32_CONST, ...signed(CRC64_STEP), I32_ADD, ...set(PLACE))
  code.push(...get(PLACE), ...get(STOP), I32_LESS, ...CONTINUE_IF, END, ...get(REGISTER), END)
  return code
}

/** The combined remainder of the 8 bytes of the word; the first byte uses this table. */
function lookedUp(table: number): number[] {
  const code: number[] = []
  for (let byte = 0; byte < 8; byte++) {
    code.push(...get(WORD), ...(byte === 0 ? [] : [I64_CONST, ...signed(8 * byte), I64_SHIFT_RIGHT]), I32_OF_I64)
    code.push(I32_CONST, ...signed(255), I32_AND, I32_CONST, ...signed(3), I32_SHIFT_LEFT)
    code.push(I64_LOAD, 3, ...unsigned((table - byte) * TABLE_BYTES))
    if (byte > 0) code.push(I64_XOR)
  }
  return code
}

function get(local: number): number[] {
  return [0x20, local]
}

function set(local: number): number[] {
  return [0x21, local]
}

function section(id: number, bytes: readonly number[]): number[] {
  return [id, ...sized(bytes)]
}

function sized(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes]
}

function text(name: string): number[] {
  return sized([...Buffer.from(name)])
}

/** LEB128, seven bits per byte. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
}

/** The same with a sign, for values from 0. */
function signed(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >>> 7)]
}
