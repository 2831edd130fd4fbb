/** A licence, as its file says it: bound to one machine, until the end of a day. */
export interface Licence {
  serial: string
  licensee: string
  hostId: string
  /** YYYY-MM-DD */
  issued: string
  /** The last day, YYYY-MM-DD, over at midnight UTC; null: for ever. */
  expires: string | null
}

/** Beside the configuration. */
export const LICENSOR_FILE = 'licensor.json'

/** Who asks for licences on this node; there is one where a distributor has put it (licensor.json beside the configuration). */
export interface Licensor {
  name: string
  /** False: the licence is shown, and nothing is refused without one. */
  required: boolean
  /** Ed25519, SPKI, DER, base64. */
  publicKey: string
}

/** What stands on a node; what follows from it and the date is judged anew each time. */
export interface LicenceFacts {
  licensor: Pick<Licensor, 'name' | 'required'> | null
  /** Why the file of the licensor cannot be used; nobody can be licensed then. */
  trouble: string | null
  hostId: string | null
  /** null: none is installed, or it cannot be read. */
  licence: Licence | null
  /** Why what is installed is no licence of the licensor; null: it is, or there is none. */
  bad: string | null
}

export const LICENCE_WORDS = ['Valid', 'Expired', 'WrongHost', 'BadSignature', 'Missing'] as const
export type LicenceWord = (typeof LICENCE_WORDS)[number]

export interface LicenceJudged {
  word: LicenceWord
  expires: string | null
  /** Of one that is not over: how many days it still lasts, today included; null: for ever, or it is not valid. */
  daysLeft: number | null
  /** What is wrong with it; null: nothing. */
  why: string | null
  /** Commands are refused for it. What runs is never touched. */
  refuses: boolean
}

/** Somebody has to be asked, and answers by letter. */
export const LICENCE_WARNING_DAYS = 30
const DAY_MS = 86_400_000
const SIGNED = 'mirrorpair-license-1'

/** What is signed: one line each, none of which has a line end in it. */
export const signedText = ({ serial, licensee, hostId, issued, expires }: Licence): string =>
  [SIGNED, serial, licensee, hostId, issued, expires ?? 'never'].join('\n')

const endMs = (expires: string): number => Date.parse(`${expires}T00:00:00Z`) + DAY_MS

/** Without a licensor mirrorpair is free. */
export function judgeLicence(facts: LicenceFacts | null, wallMs: number): LicenceJudged {
  const free: LicenceJudged = { word: 'Valid', expires: null, daysLeft: null, why: null, refuses: false }
  if (facts === null || (facts.licensor === null && facts.trouble === null)) return free
  const wrong = whyWrong(facts, wallMs)
  const expires = facts.licence?.expires ?? null
  if (wrong !== null) return { word: wrong[0], expires, daysLeft: null, why: wrong[1], refuses: facts.licensor?.required ?? true }
  return { ...free, expires, daysLeft: expires === null ? null : Math.ceil((endMs(expires) - wallMs) / DAY_MS) }
}

function whyWrong({ licensor, trouble, hostId, licence, bad }: LicenceFacts, wallMs: number): [LicenceWord, string] | null {
  if (trouble !== null) return ['BadSignature', `no licence can be checked here, because ${trouble}`]
  if (bad !== null) return ['BadSignature', bad]
  if (licence === null) return licensor?.required === true ? ['Missing', `${licensor.name} asks for a licence, and none is installed`] : null
  if (licence.hostId !== hostId) return ['WrongHost', `it is for host id ${licence.hostId}, and this machine is ${hostId ?? 'one without network cards'}`]
  if (licence.expires !== null && wallMs >= endMs(licence.expires)) return ['Expired', `it ended on ${licence.expires}`]
  return null
}
