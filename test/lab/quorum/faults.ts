import type { Node } from '../plan'

/** One thing that goes wrong with a pair and its witness, in the lab's own words; ACTIVE and MIRROR stand for who is that at the moment. */
export interface QuorumFault {
  name: string
  strike: string[]
  end: string[]
  /** Two of the three go on, and the client reaches one of the nodes: the service must be there again while the fault lasts. */
  goesOn: boolean
}

const gone = (what: string, verb: string, host: string, end: string): QuorumFault => ({
  name: what,
  strike: [`${verb} ${host}`],
  end: [`${end} ${host}`],
  goesOn: true
})

const HOSTS: QuorumFault[] = [
  gone('the active node is killed', 'kill', 'ACTIVE', 'start'),
  gone('power cut of the active node', 'powercut', 'ACTIVE', 'start'),
  gone('the active node sleeps and wakes up', 'pause', 'ACTIVE', 'resume'),
  gone('the mirror is killed', 'kill', 'MIRROR', 'start'),
  gone('power cut of the mirror', 'powercut', 'MIRROR', 'start'),
  gone('the mirror sleeps and wakes up', 'pause', 'MIRROR', 'resume'),
  gone('the witness is killed', 'kill', 'witness', 'start')
]

/** The client is on the service network: an active node that is away from it is not reached, though it has a quorum by the links. */
const LINKS: [string, string][] = [
  ['service network of the active node', 'ACTIVE:service'],
  ['service network of the mirror', 'MIRROR:service'],
  ['link-0', 'link-0'],
  ['link-1', 'link-1'],
  ["the witness's link", 'witness:service'],
  ['active node and witness', 'ACTIVE-witness'],
  ['mirror and witness', 'MIRROR-witness']
]
const UNREACHED = 'ACTIVE:service'

const cut = (...links: [string, string][]): QuorumFault => ({
  name: `cut: ${links.map(([name]) => name).join(', ')}`,
  strike: links.map(([, words]) => `cut ${words}`),
  end: ['heal all'],
  goesOn: !links.some(([, words]) => words === UNREACHED)
})

const single = LINKS.map((link) => cut(link))
const pairs = LINKS.flatMap((link, place) => LINKS.slice(place + 1).map((other) => cut(link, other)))

const drops = (name: string, words: string[], goesOn: boolean): QuorumFault => ({ name, strike: words.map((word) => `cut ${word}`), end: ['heal all'], goesOn })

const MORE: QuorumFault[] = [
  drops('cut: all between the nodes, both reach the witness', ['ACTIVE-MIRROR'], true),
  drops('cut: the active node from everybody', ['ACTIVE:service', 'ACTIVE:link-0', 'ACTIVE:link-1'], true),
  drops('one way: the mirror does not hear the active node', ['ACTIVE>MIRROR'], true),
  drops('one way: the active node does not hear the mirror', ['MIRROR>ACTIVE'], true),
  drops('one way: the witness does not hear the active node', ['ACTIVE>witness'], true),
  drops('one way: the active node does not hear the witness', ['witness>ACTIVE'], true),
  drops('one way: nobody hears the active node', ['ACTIVE>MIRROR', 'ACTIVE>witness'], true),
  drops('one way: the active node hears nobody', ['MIRROR>ACTIVE', 'witness>ACTIVE'], false)
]

export const QUORUM_FAULTS: QuorumFault[] = [...HOSTS, ...single, ...pairs, ...MORE]

/** For each build: each kind once, those that move the service first. */
const NAMES_OF_BUILD = [
  'power cut of the active node',
  'the active node sleeps and wakes up',
  'cut: the active node from everybody',
  'cut: link-0, link-1',
  'one way: the mirror does not hear the active node',
  'the witness is killed'
]
export const QUORUM_FAULTS_OF_BUILD = NAMES_OF_BUILD.map((name) => named(name))

function named(name: string): QuorumFault {
  const fault = QUORUM_FAULTS.find((each) => each.name === name)
  if (fault === undefined) throw new Error(`there is no fault "${name}"`)
  return fault
}

/** In the words of the lab, for who is active now. */
export const wordsOf = (verbs: string[], active: Node, mirror: Node): string[][] =>
  verbs.map((verb) => verb.replaceAll('ACTIVE', active).replaceAll('MIRROR', mirror).split(' '))
