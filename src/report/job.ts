import { define, type MessageDefinition, type Report } from './report'

interface At {
  job: string
  node: string
}
interface Pair extends At {
  peer: string
}
type Why = Pair & { why: string }

/** What a change of the configuration needs, and the command for it. */
const HOW = {
  'brought out': 'bringout JOB',
  'detached or brought out': 'detach JOB',
  'detached with its replication stopped, or brought out': 'detach JOB --stop-data'
}

/** What commands on a job may be refused with, and what may become of them. */
export const JOB_MESSAGES = {
  E_JOB_UNKNOWN: define<At & { known: string }>({
    exitCode: 2,
    message: ({ job, node, known }) => `${node} has no job ${job}; it has ${known}`,
    tryThis: () => 'Use one of these names; jobstate lists them'
  }),
  E_JOB_BUSY: define<At & { ticket: string; doing: string }>({
    exitCode: 5,
    message: ({ job, node, ticket, doing }) => `${job} is busy on ${node}: ${doing} (${ticket})`,
    tryThis: ({ job }) => `Wait until it has ended; jobstate ${job} shows how far it is`
  }),
  E_JOB_ERROR_FLAG: define<At & { why: string }>({
    exitCode: 5,
    message: ({ job, node, why }) => `${node} keeps an error flag for ${job}: ${why}`,
    tryThis: ({ job, node }) => `Repair the cause, then clearerr ${job} ${node}; until then the job may only run on the other node`
  }),
  E_JOB_COPY_INCOMPLETE: define<At>({
    exitCode: 5,
    message: ({ job, node }) => `the copy of ${job} on ${node} is not complete`,
    tryThis: ({ job }) => `Wait until its full mirror has ended (jobstate ${job}: Mirror Idle); if it does not run: mirror ${job} start`
  }),
  E_JOB_WAITS_FOR_PEER: define<Pair>({
    exitCode: 5,
    message: ({ job, node, peer }) => `${node} has not heard from ${peer} since it started, so it cannot know who owns ${job}`,
    tryThis: ({ peer }) => `Start the agent on ${peer}, or repair the links (hbtstate)`
  }),
  E_JOB_CUT_OFF: define<Pair & { list: string }>({
    exitCode: 5,
    message: ({ job, node, peer, list }) => `${node} hears ${peer} on no link and does not reach ${list}, so ${peer} may have taken ${job} over`,
    tryThis: ({ job, node, peer }) => `Repair the network of ${node}; where ${peer} does not serve: forcetake ${job}, typed on ${node}`
  }),
  E_LEASE_ENDED: define<{ job: string; roleSequence: number }>({
    exitCode: 5,
    message: ({ job, roleSequence }) => `Nothing of ${job} is begun any more in role sequence ${roleSequence}: its lease is over`,
    tryThis: ({ job }) => `It is tried again by itself as soon as a second voter lets this node serve. See: why ${job}`
  }),
  E_NO_QUORUM: define<Pair & { witness: boolean }>({
    exitCode: 5,
    message: ({ job, node, peer, witness }) =>
      `${node} has no quorum for ${job}: ${witness ? `neither ${peer} nor a witness lets it serve now` : `${peer} does not let it serve now`}`,
    tryThis: ({ peer, witness }) =>
      witness ? `Repair the links to ${peer} or to the witness; two of the three have to agree` : `Start ${peer}, or repair the links to it; both have to agree`
  }),
  E_MODE_NO_SWITCH: define<At & { mode: string }>({
    exitCode: 5,
    message: ({ job, mode }) => `${job} is in the mode ${mode}, which knows no manual failover: the other copy may lack the last writes`,
    tryThis: () => 'Choose a mode with safety FULL'
  }),
  E_JOB_NOT_ONLINE: define<At & { state: string; command: string }>({
    exitCode: 5,
    message: ({ job, node, state, command }) => `${command} needs ${job} online on ${node}; it is ${state}`,
    tryThis: ({ job }) => `bringin ${job} first`
  }),
  E_JOB_DETACHED: define<Pair & { command: string; why: string }>({
    exitCode: 5,
    message: ({ job, node, command, why }) => `${command} is not done with ${job}, on which somebody works: it is ${why} on ${node}`,
    tryThis: ({ job }) => `bringin ${job} first; it watches the job again`
  }),
  E_DETACH_UNHEARD: define<Pair & { age: string }>({
    exitCode: 5,
    message: ({ job, node, peer, age }) =>
      `${node} does not detach ${job}: ${peer} has to record it first, or it might take the job over, and its agent was heard ${age}`,
    tryThis: ({ peer, job }) => `Start the agent on ${peer}, or repair the links (hbtstate), then detach ${job} again`
  }),
  E_APPLICATION_UNKNOWN: define<At & { application: string; known: string }>({
    exitCode: 2,
    message: ({ job, application, known }) => `${job} has no application ${application}; it has: ${known}`,
    tryThis: ({ job }) => `jobstate ${job} shows them`
  }),
  E_APPLICATION_OFFLINE: define<At & { application: string }>({
    exitCode: 5,
    message: ({ job, node, application }) => `${application} of ${job} is offline on ${node}: there is nothing to detach`,
    tryThis: ({ job, application }) => `resource ${job} ${application} online first`
  }),
  E_RESOURCE_FAILED: define<At & { step: string; why: string }>({
    exitCode: 1,
    message: ({ job, node, step, why }) => `${step} of ${job} failed on ${node}: ${why}`,
    tryThis: ({ job }) => `Look at the log of the application; jobstate ${job} shows its state. What did not start is restarted as any application that fails`
  }),
  E_DATA_STOPPED: define<At & { command: string }>({
    exitCode: 5,
    message: ({ job, node, command }) => `${command} needs the replication of ${job}, which was stopped on ${node} by detach`,
    tryThis: ({ job }) => `bringin ${job} starts it again; detach ${job} --keep-data starts it too, and leaves the job detached`
  }),
  E_JOB_NO_DATA: define<At>({
    exitCode: 5,
    message: ({ job }) => `${job} replicates no folders, so there is nothing to mirror`,
    tryThis: () => 'Add data.folders to the job in the configuration'
  }),
  E_PEER_NOT_HEARD: define<Pair & { age: string }>({
    exitCode: 5,
    message: ({ job, node, peer, age }) => `${node} cannot move ${job}: the agent of ${peer} was heard ${age}`,
    tryThis: ({ peer }) => `See hbtstate for the links, and whether the agent runs on ${peer}`
  }),
  E_CONFIG_DIFFERS: define<Pair & { own: string; theirs: string }>({
    exitCode: 5,
    message: ({ node, peer, own, theirs }) => `the configurations of ${node} (${own}) and ${peer} (${theirs}) differ`,
    tryThis: () => 'config apply FILE brings one whole configuration to both nodes while they run; config show --node NODE shows what each goes by'
  }),
  E_DATA_LOST: define<At & { command: string; why: string }>({
    exitCode: 5,
    message: ({ job, node, command, why }) => `${command} needs the data program of ${job}, which is lost on ${node}: ${why}`,
    tryThis: ({ job }) => `It is started again by itself, but not while ${job} is detached or in error: then bringin ${job} starts it`
  }),
  E_DATA_NOT_CONNECTED: define<Pair>({
    exitCode: 5,
    message: ({ job, node, peer }) => `the data of ${job} on ${node} is not connected to ${peer}`,
    tryThis: ({ job }) => `Check the data links; jobstate ${job} shows each of them`
  }),
  E_MIRROR_RUNNING: define<At & { percent: number }>({
    exitCode: 5,
    message: ({ job, percent }) => `the full mirror of ${job} is under way (${percent}%)`,
    tryThis: () => 'Wait until it has ended'
  }),
  E_VERIFY_RUNNING: define<Pair>({
    exitCode: 5,
    message: ({ job, node, peer }) => `the copies of ${job} on ${node} and ${peer} are being compared, which would begin anew`,
    tryThis: ({ job }) => `Wait until it has ended (jobstate ${job}), or verify ${job} stop`
  }),
  E_UPGRADE_FAILED: define<At & { why: string; helps: string }>({
    exitCode: 1,
    message: ({ job, node, why }) => `the data program of ${job} on ${node} was not replaced: ${why}`,
    tryThis: ({ helps }) => helps
  }),
  E_UPGRADE_OVERTAKEN: define<At>({
    exitCode: 1,
    message: ({ job, node }) => `${job} has moved while its data program on ${node} was being replaced`,
    tryThis: ({ job }) => `jobstate ${job} shows where it runs; then upgrade again, or see what serves there by --json (data, program)`
  }),
  E_START_FAILED: define<At & { step: string; why: string }>({
    exitCode: 1,
    message: ({ job, node, step, why }) => `${job} did not start on ${node}: ${step} failed: ${why}`,
    tryThis: ({ node }) => `Repair the cause on ${node} (the event log has the details) and try again`
  }),
  E_STOP_FAILED: define<At & { step: string; why: string }>({
    exitCode: 1,
    message: ({ job, node, step, why }) => `${job} did not stop on ${node}: ${step} failed: ${why}`,
    tryThis: ({ job }) => `See what still uses it (fuser on the folder); jobstate ${job} shows what is left`
  }),
  E_MIRROR_NOT_IN_SYNC: define<Pair>({
    exitCode: 5,
    message: ({ job, node, peer }) => `the copy of ${job} on ${peer} is not in sync: ${node} has acknowledged writes without it`,
    tryThis: ({ job }) => `Wait until both are equal again (jobstate ${job}); if the data is not connected, repair the data links`
  }),
  E_PEER_MUST_KNOW: define<Pair & { age: string }>({
    exitCode: 5,
    message: ({ job, node, peer, age }) => `${node} keeps safety FULL for ${job}: ${peer} has to record the change first, and its agent was heard ${age}`,
    tryThis: ({ peer }) => `Start the agent on ${peer}, or repair the links (hbtstate)`
  }),
  E_MODE_SAFETY: define<At & { mode: string; safety: string }>({
    exitCode: 5,
    message: ({ job, mode, safety }) => `${job} is in the mode ${mode}, which is made of safety ${safety}`,
    tryThis: ({ job }) => `mode ${job} MODE chooses another mode; help mode names them`
  }),
  E_SAFETY_WATCH: define<At>({
    exitCode: 5,
    message: ({ job }) => `${job} is captured by watch, which sees a change only after it was made: safety FULL is not possible`,
    tryThis: () => 'Use capture: fuse for the job in the configuration'
  }),
  E_SELECT_FIRST: define<Pair & { command: string }>({
    exitCode: 5,
    message: ({ job, node, peer, command }) =>
      `${command} would overwrite data: ${node} and ${peer} may both hold changes of ${job} of their own (need to verify: Manually)`,
    tryThis: ({ job, node, peer }) => `Look at both copies, then say whose data is right: selectsrc ${job} ${node}, or selectsrc ${job} ${peer}`
  }),
  E_SELECT_NOT_NEEDED: define<At & { word: string }>({
    exitCode: 5,
    message: ({ job, word }) => `there is nothing to choose for ${job}: need to verify is ${word}, not Manually`,
    tryThis: ({ job }) => `verify ${job} start compares both copies; why ${job} says what decides who serves it`
  }),
  E_FORCE_PEER_HEARD: define<Pair & { age: string }>({
    exitCode: 5,
    message: ({ job, node, peer, age }) => `${node} hears ${peer} (its agent: ${age}), so nothing of ${job} has to be forced`,
    tryThis: ({ job, peer }) => `switch ${job} or takeover ${job} moves it, bringin ${job} starts it; if only the agent of ${peer} is away, start that`
  }),
  E_FORCE_SERVED: define<Pair & { voter: string }>({
    exitCode: 5,
    message: ({ job, peer, voter }) => `${peer} may be serving ${job} right now: ${voter} lets it`,
    tryThis: ({ job }) => `Wait for the time of a lease and ask again; why ${job} shows who lets whom serve`
  }),
  E_FORCE_NOT_NEEDED: define<At & { how: string }>({
    exitCode: 5,
    message: ({ job, node, how }) => `${job} need not be forced on ${node}: ${how}`,
    tryThis: ({ job }) => `why ${job} shows what it waits for`
  }),
  E_FORCE_ANSWERED: define<Pair & { by: string }>({
    exitCode: 5,
    message: ({ job, by }) => `somebody may still serve ${job}: its address is answered, or could not be asked for (${by})`,
    tryThis: ({ job, peer }) => `Make sure that ${peer} is off (its power, or its network), then forcetake ${job} again`
  }),
  E_UNCONFIRMED: define<At & { command: string }>({
    exitCode: 5,
    message: ({ command }) => `${command} may lose data, so it has to be confirmed`,
    tryThis: () => 'Ask for the dry run, read its warning, and send the state that came with it as confirm; the shell does that'
  }),
  E_CONFIRM_STALE: define<At & { command: string }>({
    exitCode: 5,
    message: ({ command }) => `${command} was confirmed for a state that has changed since: nothing was done`,
    tryThis: () => 'Read the warning again as it is now, and confirm that'
  }),
  E_DATA_ORDER_FAILED: define<At & { step: string; why: string }>({
    exitCode: 1,
    message: ({ job, node, step, why }) => `${step} of ${job} failed on ${node}: ${why}`,
    tryThis: ({ job }) => `jobstate ${job} shows connection, links and what runs`
  }),
  E_MIRROR_FAILED: define<At & { why: string }>({
    exitCode: 1,
    message: ({ job, node, why }) => `the mirror command for ${job} failed on ${node}: ${why}`,
    tryThis: ({ job }) => `jobstate ${job} shows connection and links`
  }),
  E_SWITCH_UNDONE: define<Why>({
    exitCode: 1,
    message: ({ job, node, peer, why }) => `${job} was not moved to ${peer} and is started again on ${node}: ${why}`,
    tryThis: ({ job }) => `Repair the cause, then switch ${job} again`
  }),
  E_SWITCH_CAME_BACK: define<Why>({
    exitCode: 1,
    message: ({ job, node, peer, why }) => `${job} could not start on ${peer} and runs on ${node} again: ${why}`,
    tryThis: ({ job, peer }) => `Repair the cause on ${peer}, then clearerr ${job} ${peer}: it keeps an error flag for the job`
  }),
  E_SWITCH_FAILED_THERE: define<Why>({
    exitCode: 1,
    message: ({ job, peer, why }) => `${peer} took ${job} but does not run it: ${why}`,
    tryThis: ({ job }) => `jobstate ${job} shows what is missing`
  }),
  E_OWNERSHIP_LOST: define<Pair & { roleSequence: number }>({
    exitCode: 1,
    message: ({ job, node, peer, roleSequence }) => `${peer} owns ${job} since role sequence ${roleSequence}; ${node} stands by`,
    tryThis: ({ job }) => `jobstate ${job} shows where it runs`
  }),
  E_HANDOVER_REFUSED: define<Why>({
    exitCode: 5,
    message: ({ job, node, why }) => `${node} does not take ${job}: ${why}`,
    tryThis: ({ job }) => `jobstate ${job} on both nodes shows what is missing`
  }),
  E_PEER_LOST_IN_HANDOVER: define<Pair>({
    exitCode: 1,
    message: ({ job, node, peer }) => `${peer} was lost before it said whether it took ${job}, so ${node} took it back`,
    tryThis: ({ peer }) => `hbtstate shows whether ${peer} is heard again`
  }),
  E_ENGINE_ENDS: define<{ node: string }>({
    exitCode: 3,
    message: ({ node }) => `the engine of ${node} is ending; what became of the command is on the disk, or it was never begun`,
    tryThis: () => 'Ask again when the agent runs; jobstate shows the state of the jobs then'
  }),
  E_CONFIG_JOB_ONLINE: define<At & { state: string; needed: keyof typeof HOW; fields: string }>({
    exitCode: 5,
    message: ({ job, node, state, needed, fields }) => `This change of the configuration needs ${job} ${needed}, and it is ${state} on ${node}: ${fields}`,
    tryThis: ({ job, needed }) => `${HOW[needed].replace('JOB', job)}, then apply the change again, then bringin ${job}`
  }),
  E_CONFIG_APPLICATION_RUNS: define<At & { application: string }>({
    exitCode: 5,
    message: ({ job, node, application }) =>
      `${application} of ${job} goes, or becomes another application, and it runs on ${node}: the new configuration could not stop it`,
    tryThis: ({ job, application }) => `resource ${job} ${application} offline, then apply the change again`
  }),
  E_CONFIG_MODE_BUSY: define<At & { why: string }>({
    exitCode: 5,
    message: ({ job, node, why }) => `The mode of ${job} cannot be changed now, as ${node} sees it, and nothing was changed: ${why}.`,
    tryThis: ({ job }) => `It is a matter of seconds, or of what jobstate ${job} and why ${job} say; then try again.`
  }),
  E_CONFIG_JOB_REMOVED: define<At>({
    exitCode: 5,
    message: ({ job, node }) => `${job} has been removed from the configuration of ${node}`,
    tryThis: () => 'config history says who removed it; config restore VERSION brings it back'
  }),
  E_CONFIG_PENDING: define<Pair>({
    exitCode: 5,
    message: ({ job, node, peer }) => `A change of the configuration of ${job} is being agreed on, and ${node} has to hear from ${peer} what became of it`,
    tryThis: ({ peer }) => `Try again in a few seconds; if it stays so, repair the links to ${peer} (hbtstate)`
  }),
  E_NODE_NOT_OF_PAIR: define<{ named: string; node: string; peer: string }>({
    exitCode: 2,
    message: ({ named, node, peer }) => `${named} is not a node of this pair; its nodes are ${node} and ${peer}`,
    tryThis: () => 'Name one of them'
  }),
  E_TICKET_UNKNOWN: define<{ ticket: string; node: string }>({
    exitCode: 2,
    message: ({ ticket, node }) => `${node} knows no ticket ${ticket}; it keeps the newest ones since its engine started`,
    tryThis: () => 'jobstate shows the state of the jobs now'
  })
} satisfies Record<string, MessageDefinition<never>>

type Messages = typeof JOB_MESSAGES
type ValuesOf<Code extends keyof Messages> = Parameters<Messages[Code]['message']>[0]

/** The report for a code and its values; `node` is who says so. */
export function jobReport<Code extends keyof Messages>(code: Code, values: ValuesOf<Code>): Report {
  const definition: MessageDefinition<ValuesOf<Code>> = JOB_MESSAGES[code] as never
  return { code, message: definition.message(values), tryThis: definition.tryThis(values), exitCode: definition.exitCode }
}
