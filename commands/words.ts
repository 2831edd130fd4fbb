/** The words of the guide's `help`, in its order (product §2). */
export const GUIDE_WORDS: readonly string[] = [
  'allstate',
  'bringin',
  'bringout',
  'detach',
  'encode',
  'exit',
  'forcetake',
  'hbtstate',
  'help',
  'jobstate',
  'list',
  'login',
  'mirror',
  'open',
  'selectsrc',
  'switch',
  'transmit',
  'use',
  'verify'
]

/** Known words that this version cannot do yet. */
export const LATER_WORDS: readonly string[] = ['restore', 'snapshot']

/** The guide prints `hotstate` in one place and `hbtstate` everywhere else. */
export const ALIASES: Record<string, string> = { hotstate: 'hbtstate', quit: 'exit' }
