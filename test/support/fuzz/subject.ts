/** What the fuzz run and the corpus put to each parser. Rule: a parser takes an input, or refuses it in its one way. */

export interface FuzzSubject {
  /** Also of its corpus, `test/corpus/<name>.jsonl`. */
  readonly name: string
  /** Pieces that mean something to the parser, which mutations put in. */
  readonly words: readonly string[]
  /**
   * What the parser makes of it, in words: inputs of one outcome take much the same way. Throws `Misread` where the parser
   * breaks its promises, and whatever the parser must not throw.
   */
  readonly outcome: (input: string) => string | Promise<string>
}

/** How each outcome of what was taken begins. */
export const TAKEN = 'taken'

/** Accepted what it must refuse, or did not read its own writing as it wrote it. */
export class Misread extends Error {
  constructor(what: string) {
    super(what)
    this.name = 'Misread'
  }
}

/** The outcome of a parser that throws: of one class, or it is none of its refusals. */
export const refusedAs = <E extends Error>(
  type: abstract new (...args: never[]) => E,
  parse: () => string,
  told: (error: E) => string = ({ message }) => message
): string => {
  try {
    return parse()
  } catch (error) {
    // Where the class is `Error` itself, what the language throws is still none.
    if (!(error instanceof type) || error instanceof TypeError || error instanceof RangeError) {
      throw error
    }
    return told(error)
  }
}
