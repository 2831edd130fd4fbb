/** Among the patterns of what is left out, one that is not: no pattern of the file begins with it. Apart, so that a thread that captures loads this alone. */
export const INCLUDED_MARK = '!'
