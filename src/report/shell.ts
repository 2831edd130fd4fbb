import { define } from './report'

/** What the shell itself has to say. Refusals of the agent arrive with their own code and words. */
export const shellReports = {
  E_USAGE: define<{ what: string; usage: string }>({
    exitCode: 2,
    message: (v) => v.what,
    tryThis: (v) => v.usage
  }),
  E_COMMAND_UNKNOWN: define<{ word: string; nearest: string | null }>({
    exitCode: 2,
    message: (v) => `There is no command "${v.word}".`,
    tryThis: (v) => v.nearest ?? 'help'
  }),
  E_NOT_THERE_YET: define<{ command: string }>({
    exitCode: 1,
    message: (v) => `The command "${v.command}" is not there yet in this version.`,
    tryThis: () => 'help'
  }),
  E_NOT_OPEN: define<object>({
    exitCode: 3,
    message: () => 'No node is open.',
    tryThis: () => 'open ADDRESS'
  }),
  E_NODE_NOT_OPEN: define<{ node: string; open: string[] }>({
    exitCode: 3,
    message: (v) => `${v.node} is not open${v.open.length > 0 ? `; open are ${v.open.join(', ')}` : ''}.`,
    tryThis: (v) => `open ${v.node}`
  }),
  E_UNREACHABLE: define<{ where: string; reason: string }>({
    exitCode: 3,
    message: (v) => `${v.where} cannot be reached: ${v.reason}.`,
    tryThis: (v) => `check that mirrorpair-agent runs there and that ${v.where} is right`
  }),
  E_ANSWER_LOST: define<{ where: string; reason: string }>({
    exitCode: 3,
    message: (v) => `${v.where} was sent the command and no answer came (${v.reason}); what became of it is not known here.`,
    tryThis: () => 'allstate, and look at log, before it is typed again'
  }),
  E_NO_ANSWER: define<{ reasons: string[] }>({
    exitCode: 3,
    message: (v) => `None of the open nodes answers. ${v.reasons.join(' ')}`,
    tryThis: () => 'list'
  }),
  E_ANSWER_STRANGE: define<{ where: string; what: string }>({
    exitCode: 1,
    message: (v) => `${v.where} gave an answer that is not an agent's: ${v.what}.`,
    tryThis: () => 'check the address and the port (an agent listens on 7330)'
  }),
  E_LICENSE_NO_NODE: define<{ hostId: string; open: string[] }>({
    exitCode: 5,
    message: (v) => `The licence is for host id ${v.hostId}, and none of the open nodes is that machine: ${v.open.join(', ')}.`,
    tryThis: () => 'hostid, and ask for a licence for that machine; or open the node that it is for'
  }),
  E_SESSION_ENDED: define<{ node: string }>({
    exitCode: 4,
    message: (v) => `The session on ${v.node} has ended.`,
    tryThis: (v) => `login ${v.node}`
  }),
  E_TOKEN_STRANGE: define<object>({
    exitCode: 4,
    message: () => 'This is not a token of encode; nothing was sent.',
    tryThis: () => 'encode --token-file FILE makes one'
  }),
  E_TOKEN_FOREIGN: define<{ uid: number; why: string }>({
    exitCode: 4,
    message: (v) => `The OS user with number ${v.uid} cannot use this token on this machine (${v.why}); nothing was sent.`,
    tryThis: () => 'encode, as this user on this machine, makes one that works here'
  }),
  E_TOKEN_PASSWORD: define<{ why: string }>({
    exitCode: 1,
    message: (v) => `No token was made: ${v.why}.`,
    tryThis: () => 'encode'
  }),
  E_FINGERPRINT_UNKNOWN: define<{ where: string; fingerprint: string }>({
    exitCode: 4,
    message: (v) => `The certificate of ${v.where} is not known yet; its fingerprint is ${v.fingerprint}.`,
    tryThis: (v) => `compare it with the one that the agent prints on that server, then open again with --trust ${v.fingerprint}`
  }),
  E_FINGERPRINT_CHANGED: define<{ where: string; known: string; seen: string }>({
    exitCode: 4,
    message: (v) =>
      `THE CERTIFICATE OF ${v.where} HAS CHANGED: ${v.known} was known, ${v.seen} answers. Somebody may be listening in between; nothing was sent.`,
    tryThis: (v) => `ask who renewed it; only when its new fingerprint is right, open again with --trust ${v.seen}`
  }),
  E_NO_TERMINAL: define<{ asked: string; option: string }>({
    exitCode: 2,
    message: (v) => `The ${v.asked} cannot be asked for: standard input is not a terminal.`,
    tryThis: (v) => v.option
  }),
  E_NO_SUCH_PART: define<{ what: string; part: string; known: string[] }>({
    exitCode: 2,
    message: (v) => `The configuration has no ${[v.what, v.part].filter(Boolean).join(' ')}.`,
    tryThis: (v) => (v.known.length > 0 ? `It has ${v.known.join(', ')}.` : 'config show prints it.')
  }),
  E_SHELL_FILE: define<{ file: string; what: string; advice: string }>({
    exitCode: 1,
    message: (v) => `${v.file}: ${v.what}.`,
    tryThis: (v) => v.advice
  }),
  E_LINE_FAILED: define<{ what: string }>({
    exitCode: 1,
    message: (v) => v.what,
    tryThis: () => 'the line alone, outside the runbook, says more'
  }),
  E_RUNBOOK_NAMES: define<{ file: string; what: string; names: string[] }>({
    exitCode: 2,
    message: (v) => `${v.file} ${v.what}; nothing of it was run.`,
    tryThis: (v) => (v.names.length > 0 ? v.names.join(' ') : 'run FILE without --set')
  }),
  E_BY_HAND_NEEDED: define<{ file: string; line: number; node: string; work: string }>({
    exitCode: 2,
    message: (v) => `Line ${v.line} of ${v.file} is for a person on ${v.node} (${v.work}), and standard input is not a terminal; nothing of it was run.`,
    tryThis: () => '--hands PROGRAM, which is called with the node and the work, or --done when all of it has been done'
  }),
  E_BY_HAND_FAILED: define<{ hands: string; node: string; work: string; why: string }>({
    exitCode: 1,
    message: (v) => `${v.hands} did not do it on ${v.node} (${v.work}): ${v.why}.`,
    tryThis: () => 'see to it there, then run what is left of the file from this line on'
  }),
  E_SIM_CONFIG: define<{ file: string; line: number; what: string; advice: string }>({
    exitCode: 2,
    message: (v) => `${v.file}, line ${v.line}: ${v.what} Nothing can be simulated from it.`,
    tryThis: (v) => v.advice
  }),
  E_SIM_ONLY: define<object>({
    exitCode: 5,
    message: () => 'The servers are real here: nothing is simulated.',
    tryThis: () => 'cui --sim FILE, where FILE is a configuration; help sim shows more'
  }),
  E_SIM_REFUSED: define<{ what: string; known: string[] }>({
    exitCode: 2,
    message: (v) => v.what,
    tryThis: (v) => v.known.join(', ')
  }),
  E_CANCELLED: define<object>({
    exitCode: 1,
    message: () => 'Cancelled; nothing was changed.',
    tryThis: () => 'the same command again, answered with Yes, or with the four letters where it asks for them'
  }),
  E_CONFIRM_WRONG: define<{ job: string; given: string }>({
    exitCode: 2,
    message: (v) => `--confirm names "${v.given}", the command is for "${v.job}"; nothing was changed.`,
    tryThis: (v) => `--confirm ${v.job}`
  }),
  E_CONFIRM_NEEDED: define<{ job: string; why: string; command: string }>({
    exitCode: 5,
    message: (v) => `${v.why} Nothing was changed.`,
    tryThis: (v) => `${v.command} --confirm ${v.job}`
  }),
  E_FORCE_SEEN_SERVING: define<{ job: string; node: string; peer: string; roleSequence: number }>({
    exitCode: 5,
    message: (v) =>
      `${v.node} does not hear ${v.peer}, but this shell does: ${v.peer} serves ${v.job} (role sequence ${v.roleSequence}). Two nodes would serve it, and their data would go apart. Nothing was changed.`,
    tryThis: (v) => `hbtstate shows the links to repair; if ${v.node} has to serve, first bringout ${v.job} --node ${v.peer}`
  }),
  E_JOB_NOT_FOUND: define<{ job: string; known: string[] }>({
    exitCode: 2,
    message: (v) => `There is no job "${v.job}" on the open nodes; ${v.known.length > 0 ? `there is ${v.known.join(', ')}` : 'they have none'}.`,
    tryThis: () => 'allstate'
  }),
  E_JOB_AMBIGUOUS: define<{ job: string; clusters: string[] }>({
    exitCode: 2,
    message: (v) => `${v.job} is a job of each of these: ${v.clusters.join('; ')}.`,
    tryThis: () => 'the same command with --node NODE, where NODE is one of the pair that is meant'
  }),
  E_JOB_EXISTS: define<{ job: string }>({
    exitCode: 5,
    message: (v) => `There is a job ${v.job} already; nothing was changed.`,
    tryThis: (v) => `job modify ${v.job}, or job show ${v.job}`
  }),
  E_NOT_READY: define<{ job: string; why: string[] }>({
    exitCode: 5,
    message: (v) => `${v.job} is not ready: ${v.why.join('; ')}.`,
    tryThis: (v) => `why ${v.job}`
  }),
  E_WAIT_TIMEOUT: define<{ what: string; timeout: string; seen: string; again: string }>({
    exitCode: 6,
    message: (v) => `${v.what} was not reached within ${v.timeout}; last seen: ${v.seen}.`,
    tryThis: (v) => v.again
  }),
  E_TICKET_FAILED: define<{ command: string; job: string }>({
    exitCode: 1,
    message: (v) => `${v.command} of ${v.job} failed.`,
    tryThis: (v) => `jobstate ${v.job}`
  }),
  E_OUTCOME_UNKNOWN: define<{ node: string; ticket: string; job: string }>({
    exitCode: 3,
    message: (v) => `${v.node} took the command and then stopped answering; what became of it is not known here.`,
    tryThis: (v) => `jobstate ${v.job}, or wait ${v.ticket} when the node answers again`
  }),
  E_MIRROR_STOPPED: define<{ job: string; state: string }>({
    exitCode: 1,
    message: (v) => `The full mirror of ${v.job} did not end: it is in state ${v.state}.`,
    tryThis: (v) => `jobstate ${v.job}`
  }),
  E_VERIFY_STOPPED: define<{ job: string; state: string }>({
    exitCode: 1,
    message: (v) => `The comparison of ${v.job} did not end: it is in state ${v.state}.`,
    tryThis: (v) => `verify ${v.job} report shows what was found so far; jobstate ${v.job} shows the connection`
  }),
  E_SHELL_BROKEN: define<{ what: string }>({
    exitCode: 1,
    message: (v) => `The shell met something it does not know how to handle: ${v.what}.`,
    tryThis: () => 'the same command again; when it comes back, report it with its words'
  })
}
