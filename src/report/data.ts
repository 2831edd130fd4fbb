import { define } from './report'

/** What can go wrong between the two mirrords of a job, and on their control sockets. */
export const dataMessages = {
  E_FRAME_DAMAGED: define<{ why: string }>({
    exitCode: 1,
    message: ({ why }) => `The replication stream holds a frame that cannot be right: ${why}`,
    tryThis: () => 'The connection is made again by itself. If it happens again, check the network card and the memory of both nodes.'
  }),
  E_FRAME_FOREIGN: define<{ why: string }>({
    exitCode: 1,
    message: ({ why }) => `What came in on the replication port is not mirrorpair's stream: ${why}`,
    tryThis: () => 'Check that the data port of the job is used by nothing else, and that both nodes run the same version.'
  }),
  E_FRAME_PATH: define<{ why: string }>({
    exitCode: 1,
    message: ({ why }) => `The replication stream names a path outside its folder: ${why}`,
    tryThis: () => 'Nothing was changed. Check that both nodes run the same version; report this as a defect.'
  }),
  E_FRAME_TOO_LARGE: define<{ bytes: number; most: number }>({
    exitCode: 1,
    message: ({ bytes, most }) => `A change of ${bytes} bytes does not fit a frame of at most ${most}`,
    tryThis: () => 'Report this as a defect.'
  }),
  E_MIRRORD_CONFIG: define<{ job: string; why: string }>({
    exitCode: 5,
    message: ({ job, why }) => `mirrord of ${job} does not accept the configuration: ${why}`,
    tryThis: () => 'detach JOB --stop-data, or bringout JOB, before what its data stands on (folders, capture, queues, port) is changed.'
  }),
  E_FOLDER_USED: define<{ job: string; folder: string; what: 'let go of' | 'captured'; users: string }>({
    exitCode: 5,
    message: ({ job, folder, what, users }) => `The folder ${folder} of ${job} cannot be ${what} while files in it are open: ${users}`,
    tryThis: ({ job }) => `End what works in it (resource ${job} APPLICATION offline, or by hand) and try again; or bringout ${job}, change it, bringin ${job}.`
  }),
  E_REGROUP: define<{ job: string; why: string }>({
    exitCode: 5,
    message: ({ job, why }) => `The folders of ${job} stay what they were: ${why}`,
    tryThis: ({ job }) => `Everything is compared when the other node is connected. Try again, or bringout ${job} and bringin ${job}.`
  }),
  E_MIRRORD_REQUEST: define<{ why: string }>({
    exitCode: 2,
    message: ({ why }) => `mirrord does not understand the request: ${why}`,
    tryThis: () => 'Check that agent and mirrord are of the same version.'
  }),
  E_MIRRORD_NOT_CONFIGURED: define<{ job: string }>({
    exitCode: 5,
    message: ({ job }) => `mirrord of ${job} has no configuration yet`,
    tryThis: () => 'Send `configure` first.'
  }),
  E_MIRRORD_RUNS: define<{ job: string }>({
    exitCode: 5,
    message: ({ job }) => `Another mirrord serves ${job} already`,
    tryThis: () => 'Use the one that runs, or end it first.'
  }),
  E_HAND_OVER: define<{ job: string; why: string }>({
    exitCode: 5,
    message: ({ job, why }) => `mirrord of ${job} cannot hand over with the job online: ${why}`,
    tryThis: ({ job }) =>
      `Nothing has changed, it goes on. \`bringout ${job}\` and \`bringin ${job}\` start the installed program, with the service down meanwhile.`
  }),
  E_MIRRORD_SUCCESSOR: define<{ job: string; program: string; why: string }>({
    exitCode: 1,
    message: ({ job, program, why }) => `The installed data program (${program}) cannot take over from the mirrord of ${job}: ${why}`,
    tryThis: () => 'Nothing has changed, the one that runs goes on. Install all files of the version anew, then upgrade again.'
  }),
  E_MIRRORD_STATE: define<{ file: string; why: string }>({
    exitCode: 1,
    message: ({ file, why }) => `The state file ${file} cannot be used: ${why}`,
    tryThis: () => 'Move the file away: the copy on this node then counts as incomplete and is mirrored again.'
  }),
  E_ROLE_SEQUENCE_OLD: define<{ job: string; asked: number; known: number }>({
    exitCode: 5,
    message: ({ job, asked, known }) => `${job}: role sequence ${asked} is older than ${known}, which this node knows already`,
    tryThis: () => 'Another node has taken the job since. Wait until the agents have exchanged their records.'
  }),
  E_ROLE: define<{ job: string; role: string; wanted: string }>({
    exitCode: 5,
    message: ({ job, role, wanted }) => `${job}: the data of this node is ${role}, and that needs ${wanted}`,
    tryThis: () => 'Look at `jobstate` for the owner of the job.'
  }),
  E_FOLDER_MISSING: define<{ folder: string; why: string }>({
    exitCode: 1,
    message: ({ folder, why }) => `The folder ${folder} cannot be used: ${why}`,
    tryThis: () => 'Create the folder, or check that its file system is mounted.'
  }),
  E_DRAIN_TIMEOUT: define<{ job: string; timeoutMs: number; behind: number }>({
    exitCode: 6,
    message: ({ job, timeoutMs, behind }) => `${job}: after ${timeoutMs} ms the target is still ${behind} changes behind`,
    tryThis: () => 'Look at Queued Bytes and Speed in `jobstate`, and try again when they have come down.'
  }),
  E_DRAIN_IMPOSSIBLE: define<{ job: string; why: string }>({
    exitCode: 5,
    message: ({ job, why }) => `${job}: the target cannot receive all that was written: ${why}`,
    tryThis: () => 'Wait until the full mirror has ended (`jobstate` shows Mirror: Idle), or bring the data link back.'
  }),
  E_PAGE_FILE: define<{ why: string }>({
    exitCode: 1,
    message: ({ why }) => `What was queued on disk for the target cannot be read again: ${why}`,
    tryThis: () => 'The target is compared by itself, with what is marked dirty. Check the disk of the state directory.'
  }),
  E_VERIFY_IMPOSSIBLE: define<{ job: string; why: string }>({
    exitCode: 5,
    message: ({ job, why }) => `${job}: the two sides cannot be compared: ${why}`,
    tryThis: () => 'Wait until the target is connected and its copy complete (`jobstate`), then try again.'
  }),
  E_DIVERGED: define<{ job: string; peer: string; why: string }>({
    exitCode: 5,
    message: ({ job, peer, why }) => `${job}: this node and ${peer} may both hold changes of their own: ${why}`,
    tryThis: () => 'Decide whose data is right, and say so with `selectsrc JOB NODE`; what the other node holds of its own is given up then.'
  }),
  E_HELLO: define<{ job: string; peer: string; why: string }>({
    exitCode: 1,
    message: ({ job, peer, why }) => `${job}: ${peer} is refused: ${why}`,
    tryThis: () => 'Check that both nodes have the same configuration, version and cluster certificates.'
  }),
  E_PEER_NAME: define<{ expected: string; seen: string }>({
    exitCode: 4,
    message: ({ expected, seen }) => `The certificate at the other end of the data link is that of "${seen}", not of ${expected}`,
    tryThis: () => 'Check the addresses of the data links and the node certificates.'
  }),
  E_LEASE_OVER: define<{ job: string; node: string }>({
    exitCode: 3,
    message: ({ job, node }) => `${node} has no lease for ${job}: it acknowledges nothing and sends nothing until a second voter lets it serve`,
    tryThis: () => 'It goes on by itself as soon as the other node or the witness is reached again.'
  }),
  E_LINK_SILENT: define<{ link: string; silentMs: number }>({
    exitCode: 3,
    message: ({ link, silentMs }) => `Nothing came over data link ${link} for ${(silentMs / 1_000).toFixed(1)} s`,
    tryThis: () => 'The next data link is tried by itself. Check the link.'
  }),
  E_LINK_FAILED: define<{ link: string; why: string }>({
    exitCode: 3,
    message: ({ link, why }) => `Data link ${link} does not connect: ${why}`,
    tryThis: () => 'The next data link is tried by itself. Check the link, and that mirrord of the job runs on the other node.'
  }),
  E_WALK: define<{ why: string }>({
    exitCode: 1,
    message: ({ why }) => `The full mirror cannot read the folder: ${why}`,
    tryThis: () => 'Check the folder and its disk on the source, then start the full mirror again (`mirror JOB start`).'
  }),
  E_REDO: define<{ job: string; kind: string; path: string; why: string }>({
    exitCode: 1,
    message: ({ job, kind, path, why }) => `${job}: ${kind} of "${path}" could not be repeated on the target: ${why}`,
    tryThis: () =>
      'Replication is suspended, and nothing received is lost. Remove the cause (no space, read-only: repair the disk), then `transmit JOB resume` tries again; `mirror JOB start` copies everything anew.'
  }),
  E_REDO_LOG: define<{ directory: string; why: string }>({
    exitCode: 1,
    message: ({ directory, why }) => `The redo log in ${directory} cannot be used: ${why}`,
    tryThis: () => 'Nothing that was acknowledged is lost. Check the disk of that directory, then start the data of the job on this node again.'
  }),
  E_REDO_LOG_FULL: define<{ directory: string; why: string }>({
    exitCode: 1,
    message: ({ directory, why }) => `The redo log in ${directory} cannot grow: ${why}`,
    tryThis: () => 'Make room on that file system: receiving goes on by itself, within seconds. Nothing is lost; the source keeps what is not received.'
  }),
  E_REDO_LEFT: define<{ job: string; why: string }>({
    exitCode: 5,
    message: ({ job, why }) => `${job}: this node has received and acknowledged changes that it cannot apply, so it does not serve without them: ${why}`,
    tryThis: () => 'Remove the cause (room on the disk, a folder that is read-only), then start the job here again: the redo log still holds them.'
  }),
  E_DIRTY_STUCK: define<{ job: string; why: string }>({
    exitCode: 1,
    message: ({ job, why }) => `${job}: it cannot be noted on disk what changes, so writes wait: ${why}`,
    tryThis: () => "Check the disk of the agent's state directory."
  }),
  E_REDO_NOT_EXACT: define<{ job: string; why: string }>({
    exitCode: 1,
    message: ({ job, why }) => `${job}: after the last end this copy cannot be continued exactly: ${why}`,
    tryThis: () => 'The copy counts as incomplete and is made equal again by itself as soon as the source is connected.'
  }),
  E_MIRRORD_DEFECT: define<{ why: string }>({
    exitCode: 1,
    message: ({ why }) => `mirrord met something it does not know how to handle: ${why}`,
    tryThis: () => "The agent starts the job's data again if mirrord ended. Keep mirrord's log and report this as a defect."
  }),
  E_THREAD: define<{ thread: string; why: string }>({
    exitCode: 1,
    message: ({ thread, why }) => `The ${thread} thread of mirrord ended: ${why}`,
    tryThis: () => "The agent starts the job's data again. Report this as a defect."
  })
} as const
