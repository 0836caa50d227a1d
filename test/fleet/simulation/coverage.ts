/** Positions that were covered, each once, as few intervals. */
export class Coverage {
  readonly #begins: number[] = []
  readonly #ends: number[] = []

  /** Adds the positions from `begin` to `end` (exclusive). Throws if one of them was added before. */
  add(begin: number, end: number): void {
    if (begin === end) return
    const [begins, ends] = [this.#begins, this.#ends]
    let [low, high] = [0, begins.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (begins[middle]! < begin) low = middle + 1
      else high = middle
    }
    if ((low > 0 && ends[low - 1]! > begin) || (low < begins.length && begins[low]! < end)) {
      throw new Error(`The names from ${begin} to ${end} were handled twice.`)
    }
    const joinsBefore = low > 0 && ends[low - 1] === begin
    const joinsAfter = begins[low] === end
    if (joinsBefore && joinsAfter) {
      ends[low - 1] = ends[low]!
      begins.splice(low, 1)
      ends.splice(low, 1)
    } else if (joinsBefore) ends[low - 1] = end
    else if (joinsAfter) begins[low] = begin
    else {
      begins.splice(low, 0, begin)
      ends.splice(low, 0, end)
    }
  }

  /** The covered intervals, in order. */
  get intervals(): ReadonlyArray<readonly [number, number]> {
    return this.#begins.map((begin, index) => [begin, this.#ends[index]!])
  }
}
